"""The only table from our errors to the wire's status, code and message."""

import math
from collections.abc import Mapping, Sequence

from secondlook import errors as ours
from secondlook.api.field_errors import fields_of
from secondlook.api.notices import messages

INVALID_REQUEST = 7400
"""Our own code for a value of the wrong type or range; Cloudflare publishes none."""
NOT_FOUND = 7404
METHOD_NOT_ALLOWED = 7405
STORAGE_FULL = 7507

LONGEST_DETAIL = 1000
LONGEST_AT_FIELD = 300
LONGEST_IN_CHAIN = 300
"""Characters; a value that is refused may be as large as a body."""
MOST_FIELDS = 50

Line = tuple[type[Exception], int, int, str]

TABLE: Sequence[Line] = (
    (ours.NotAuthenticatedError, 401, 10000, "Authentication error"),
    (ours.NotAllowedError, 403, 10000, "Authentication error"),
    (ours.InstanceNotFoundError, 404, 7002, "ai_search_not_found"),
    (ours.NamespaceNotFoundError, 404, 7063, "namespace_not_found"),
    (ours.NamespaceExistsError, 409, 7064, "namespace_already_exists"),
    (ours.NamespaceFixedError, 400, 7065, "cannot_modify_default_namespace"),
    (ours.NamespaceNotEmptyError, 400, 7066, "namespace_not_empty"),
    (ours.RerankerNotFoundError, 404, 7010, "invalid_model"),
    (ours.InvalidModelError, 400, 7010, "invalid_model"),
    (ours.TooManyTokensError, 413, INVALID_REQUEST, "invalid_request"),
    (ours.InstanceExistsError, 400, 7022, "ai_search_with_this_name_already_exist"),
    (ours.TooManyInstancesError, 403, 7013, "max_instances_reached"),
    (ours.TooManyNamespacesError, 403, 7062, "max_namespaces_reached"),
    (ours.InvalidServiceTokenError, 400, 7012, "ai_search_instance_invalid_token"),
    (ours.TokenNotFoundError, 404, NOT_FOUND, "token_not_found"),
    (ours.ServiceTokenNotFoundError, 404, 7075, "token_not_found"),
    (ours.ServiceTokenInUseError, 409, 7076, "token_in_use_by_instances"),
    (ours.QuotaExceededError, 429, 7069, "monthly_query_quota_exceeded"),
    (ours.PausedError, 400, 7032, "ai_search_is_paused"),
    (ours.CooldownError, 429, 7020, "sync_in_cooldown"),
    (ours.JobNotFoundError, 404, 7021, "job_not_found"),
    (ours.QueryNotFoundError, 404, NOT_FOUND, "query_not_found"),
    (ours.JobEndedError, 400, 7046, "job_cannot_be_cancelled"),
    (ours.ItemSyncError, 503, 7044, "unable_to_sync_item"),
    (ours.ChunkSizeError, 400, 7036, "invalid_chunk_size"),
    (ours.ItemNotFoundError, 404, 7041, "item_not_found"),
    (ours.FileTooLargeError, 413, 7054, "file_exceeds_maximum_size"),
    (ours.FileMissingError, 400, 7055, "file_field_is_required"),
    (ours.InvalidMetadataError, 400, 7056, "invalid_metadata_format"),
    (ours.OrFilterOperatorError, 400, 7015, "filter_or_operator_only_supports_eq_filters"),
    (ours.OrFilterKeysError, 400, 7016, "filter_or_operator_does_not_support_different_keys"),
    (ours.InvalidDatetimeError, 400, 7057, "invalid_datetime_filter_value"),
    (ours.FilterNotSerializableError, 400, 7080, "vectorize_filter_not_serializable"),
    (ours.InvalidFilterError, 400, 7058, "invalid_metadata_filter"),
    (ours.ExternalItemError, 400, 7059, "content_download_not_available_for_external_source_items"),
    (ours.ItemSourceError, 503, 7044, "unable_to_sync_item"),
    (ours.SourceError, 503, 7044, "unable_to_sync_item"),
    (ours.ForbiddenSourceError, 400, 7047, "invalid_url_location"),
    (ours.UnsupportedFileError, 400, 7060, "unsupported_file_type"),
    (ours.NameTooLongError, 400, 7072, "filename_exceeds_maximum_length"),
    (ours.SourceMissingError, 400, 7052, "type_and_source_are_required_for_non_managed_instances"),
    (ours.UnknownSourceError, 400, 7111, "source_is_neither_a_url_nor_a_bucket"),
    (ours.InvalidHeaderError, 400, 7040, "invalid_custom_header"),
    (ours.SitemapsError, 400, 7045, "specific_sitemaps_only_valid_when_parse_type_is_sitemap"),
    (ours.ImageQueryError, 400, 7089, "image_query_requires_vector_index"),
    (ours.MissingQueryError, 400, 7039, "missing_user_query"),
    (ours.InvalidRetrievalTypeError, 400, 7070, "invalid_retrieval_type"),
    (ours.InvalidOptionError, 400, INVALID_REQUEST, "invalid_request"),
    (ours.GeneratorBusyError, 429, 2003, "Rate limited"),
    (ours.PromptBlockedError, 424, 2016, "Prompt blocked due to security configurations"),
    (ours.AnswerBlockedError, 424, 2017, "Response blocked due to security configurations"),
    (ours.GeneratorDeniedError, 401, 7077, "ai_gateway_authentication_error"),
    (ours.GeneratorUnpaidError, 402, 7078, "ai_gateway_billing_error"),
    (ours.PromptTooLongError, 413, 7079, "ai_gateway_context_window_exceeded"),
    (ours.GeneratorKeyMissingError, 400, 7096, "ai_gateway_credential_not_found"),
    (ours.StandInTimeoutError, 400, 7030, "workers_ai_timeout"),
    (ours.StandInAnswerError, 500, 7011, "workers_ai_fail_to_return_a_valid_response"),
    (ours.StandInError, 400, 7019, "workers_ai_error"),
    (ours.GeneratorTimeoutError, 400, 7031, "ai_gateway_timeout"),
    (ours.GeneratorError, 502, 7033, "ai_gateway_exception"),
    (ours.RerankerBusyError, 429, 2003, "Rate limited"),
    (ours.RerankerError, 500, 7073, "all_search_methods_failed"),
    (ours.RetrievalError, 500, 7073, "all_search_methods_failed"),
    (ours.OverloadedError, 429, 2003, "Rate limited"),
    (ours.InvalidDomainError, 400, 7090, "custom_domain_not_a_verified_zone_on_this_account"),
    (ours.DomainTakenError, 409, 7091, "custom_domain_already_in_use"),
    (ours.InactiveEndpointError, 400, 7093, "custom_domains_require_an_active_public_endpoint"),
    (ours.NoDomainLeftError, 400, 7096, "disabling_the_default_domain_requires_at_least_one_custom_domain"),
    (ours.UnknownInstancesError, 400, 7097, "instances_allowed_contains_unknown_instances"),
    (ours.AssetError, 503, 60017, "asset fetch failed"),
    (ours.TooManyNamedError, 400, 7074, "too_many_multi_search_instances"),
    (ours.InstanceSearchesFailedError, 500, 7049, "one_or_more_instance_searches_failed"),
    (ours.StorageFullError, 507, STORAGE_FULL, "insufficient_storage"),
    (ours.BackendError, 503, 7017, "unable_to_connect_to_ai_search"),
    (ours.CallerError, 400, INVALID_REQUEST, "invalid_request"),
)
"""First match wins: the special stands before the general."""


def to_wire(error: Exception) -> tuple[int, Mapping[str, object]]:
    """Status and body; ``detail`` (extra key) is the sentence for a person, kept back for unexpected errors."""
    for kind, status, code, message in TABLE:
        if isinstance(error, kind):
            return status, failure(code, message, str(error), fields_of(error))
    return 500, failure(7001, "Internal Error")


def code_of(error: Exception) -> tuple[int, int]:
    """Status and code, for a generation that has messages of its own."""
    return next(((status, code) for kind, status, code, _ in TABLE if isinstance(error, kind)), (500, 7001))


def headers_of(error: Exception) -> Mapping[str, str]:
    """What an error says in headers: when to come again, in whole seconds."""
    if isinstance(error, LATER):
        return {"Retry-After": str(math.ceil(error.retry_after))}
    return {}


LATER = (
    ours.OverloadedError, ours.GeneratorBusyError, ours.RerankerBusyError, ours.CooldownError, ours.QuotaExceededError,
    ours.IndexRebuildingError,
)  # fmt: skip
"""Errors that say when to come again."""


def failure(code: int, message: str, detail: str = "", fields: Sequence[dict[str, str]] = ()) -> Mapping[str, object]:
    """The error envelope; ``fields`` (extra key) names what is wrong in the body.

    ``error_chain`` has the detail once more, since wrangler prints that beside the message and nothing else.
    """
    line: dict[str, object] = {"code": code, "message": message}
    if detail:
        line["detail"] = _shortened(detail, LONGEST_DETAIL)
        line["error_chain"] = [{"code": code, "message": _shortened(detail, LONGEST_IN_CHAIN)}]
    if fields:
        line["fields"] = [
            {**one, "message": _shortened(one["message"], LONGEST_AT_FIELD)} for one in fields[:MOST_FIELDS]
        ]
    return {"success": False, "errors": [line], "messages": messages(), "result": {}}


def _shortened(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[:characters]}…"


def success(result: object, **more: object) -> dict[str, object]:
    """The success envelope, with what is to be said of the request."""
    return {"success": True, "errors": [], "messages": messages(), "result": result, **more}
