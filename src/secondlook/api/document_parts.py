"""What schemas of the OpenAPI document are made of."""

from typing import Any

Schema = dict[str, Any]
JSON = "application/json"
STREAM = "text/event-stream"
REF = "#/components/schemas/"

TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
SWITCH: Schema = {"type": "boolean"}
OBJECT: Schema = {"type": "object"}
UNIT: Schema = {"type": "number", "minimum": 0, "maximum": 1}
FRAMES: Schema = {"description": "Server-sent events, each with one line of data; the last one may be [DONE]."}
MOMENT: Schema = {"type": "string", "format": "date-time"}
MOMENT_OR_NULL: Schema = {**MOMENT, "type": ["string", "null"]}


def shape(description: str, optional: str = "", /, **fields: Schema) -> Schema:
    """An object with these fields, all of which are there but those named in ``optional``; more may be added."""
    needed = [name for name in fields if name not in optional.split()]
    return {"type": "object", "description": description, "properties": fields, "required": needed}


def rows(schema: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": schema}


def ref(name: str) -> Schema:
    """The schema of that name."""
    return {"$ref": f"{REF}{name}"}


def wrapped(result: Schema) -> Schema:
    """The success envelope around that."""
    return {"allOf": [ref("Success"), {"type": "object", "properties": {"result": result}}]}


def listed(name: str, info: Schema | None = None) -> Schema:
    """The success envelope around a page of these."""
    inner = {"result": rows(ref(name)), "result_info": info or ref("PageInfo")}
    return {"allOf": [ref("Success"), {"type": "object", "properties": inner, "required": ["result_info"]}]}
