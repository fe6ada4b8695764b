"""Every error of Secondlook, as one tree, split by who must act."""

from secondlook.error_kinds import BackendError, CallerError, FailureCause, SecondlookError, SetupError
from secondlook.storage_errors import (
    IndexCorruptError,
    IndexRebuildingError,
    IndexUnusableError,
    StorageFullError,
    StoredFileError,
)

__all__ = (
    "BackendError", "CallerError", "FailureCause", "IndexCorruptError", "IndexRebuildingError", "IndexUnusableError",
    "SecondlookError", "SetupError", "StorageFullError", "StoredFileError",
)  # fmt: skip


class FolderInUseError(SetupError):
    """Another process works all that waits in the data folder."""


class NotAuthenticatedError(CallerError):
    """The bearer token is missing, unknown or revoked."""


class NotAllowedError(CallerError):
    """The bearer token is valid, and not for this account or this operation."""


class InvalidOptionError(CallerError):
    """A value has the wrong type or lies outside its range."""


class MissingQueryError(CallerError):
    """Neither a query nor a non-empty user message was given."""


class ImageQueryError(CallerError):
    """The query holds an image, and the instance cannot search by image."""


class SourceMissingError(CallerError):
    """A kind of external source was named without its source."""


class UnknownSourceError(CallerError):
    """The source is neither a website nor a known bucket."""


class InvalidHeaderError(CallerError):
    """A header for a source is none that could be sent."""


class SitemapsError(CallerError):
    """Sitemaps are named for a source of which no sitemap is read."""


class InvalidModelError(CallerError):
    """No model of that name is known."""


class RerankerNotFoundError(InvalidModelError):
    """No reranker of that name is known, told to a client that expects it not to be found."""


class TooManyTokensError(CallerError):
    """A passage is longer than the model reads, and the caller asked not to have it cut."""


class QueryTooLongError(CallerError):
    """The query leaves a model that reads it together with a passage no room for the passage."""

    cause = "query"

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(
            f"the query has {tokens:,} tokens, too many for a model that reads {limit:,} of query and passage together:"
            " shorten it, or name another model"
        )


class InstanceNotFoundError(CallerError):
    """The instance does not exist in that namespace."""


class InstanceExistsError(CallerError):
    """An instance of that name exists already."""


class NamespaceNotFoundError(CallerError):
    """The namespace does not exist."""


class NamespaceExistsError(CallerError):
    """A namespace of that name exists already."""


class NamespaceNotEmptyError(CallerError):
    """The namespace still holds instances."""


class NamespaceFixedError(CallerError):
    """The default namespace can be neither changed nor removed."""


class TooManyInstancesError(CallerError):
    """The account holds as many instances as it may."""


class TooManyNamespacesError(CallerError):
    """The account holds as many namespaces as it may."""


class QuotaExceededError(CallerError):
    """The account has made as many queries this month as it may; more in ``retry_after`` seconds."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InvalidServiceTokenError(CallerError):
    """An instance names a service token that is not there."""


class TokenNotFoundError(CallerError):
    """The caller sees no such API token."""


class ServiceTokenNotFoundError(CallerError):
    """The service token does not exist in that account."""


class ServiceTokenInUseError(CallerError):
    """Instances still name the service token."""


class PausedError(CallerError):
    """The instance is paused: nothing is synced."""


class CooldownError(CallerError):
    """A sync was just asked for, or still runs; another may be had in ``retry_after`` seconds."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class JobNotFoundError(CallerError):
    """The job does not exist in that instance."""


class QueryNotFoundError(CallerError):
    """The query is not in the log of that instance, or the query set does not exist there."""


class JobEndedError(CallerError):
    """The job has ended, and cannot be cancelled."""


class ItemNotFoundError(CallerError):
    """The item does not exist in that instance."""


class FileTooLargeError(CallerError):
    """The file is over the size limit of its kind."""


class FileMissingError(CallerError):
    """An upload came without its file."""


class NameTooLongError(CallerError):
    """The item key is over 128 characters."""


class UnsupportedFileError(CallerError):
    """The file's type cannot be indexed."""


class FileUnreadableError(UnsupportedFileError):
    """A file was taken in, and no text can be had from it."""

    def __init__(self, kind: str, why: str = "", *, passing: bool = False) -> None:
        """``kind`` is the word for programs (contract, 18.7), ``why`` the sentence for people.

        ``passing``: its reader ended before it could say; another may come to an end.
        """
        super().__init__(f"{kind}: {why}")
        self.kind = kind
        self.why = why
        self.passing = passing


class InvalidMetadataError(CallerError):
    """The metadata is not a JSON object of scalars."""


class InvalidFilterError(CallerError):
    """The metadata filter cannot be understood."""


class InvalidDatetimeError(InvalidFilterError):
    """A datetime in a filter is not ISO 8601."""


class FilterNotSerializableError(InvalidFilterError):
    """A value in a filter is a number that JSON cannot carry."""


class OrFilterOperatorError(InvalidFilterError):
    """A compound ``or`` holds something other than ``eq``."""


class OrFilterKeysError(InvalidFilterError):
    """A compound ``or`` names more than one key."""


class InvalidRetrievalTypeError(CallerError):
    """The instance has no index for the asked retrieval type."""


class ChunkSizeError(CallerError):
    """The chunk size is over the embedding model's input limit."""


class InvalidDomainError(CallerError):
    """What should be a domain of one's own is none."""


class DomainTakenError(CallerError):
    """The domain belongs to another public endpoint."""


class InactiveEndpointError(CallerError):
    """A domain was given to a public endpoint that is not enabled."""


class NoDomainLeftError(CallerError):
    """A public endpoint would answer under no name at all."""


class UnknownInstancesError(CallerError):
    """A public endpoint names an instance that is not there."""


class AssetError(BackendError):
    """The bundle of the search box is known, but cannot be had."""


class TooManyNamedError(CallerError):
    """More instances were named than are searched together."""


class InstanceSearchesFailedError(BackendError):
    """At least one of several instances could not be searched, and the caller wanted all or nothing."""


class ItemSyncError(BackendError):
    """An item could not be queued to be indexed again."""


class ExternalItemError(CallerError):
    """The bytes of an item that came from an external source are to be had there, not here."""


class KeyTakenError(CallerError):
    """An external source has something by the key of an upload."""


class ForbiddenSourceError(CallerError):
    """A source is named that the operator did not open to the users of this server."""


class SourceError(BackendError):
    """An external source cannot be read, or not to its end; what is ``lasting`` only a person can mend."""

    def __init__(self, kind: str, message: str, *, lasting: bool = False) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.lasting = lasting


class ItemSourceError(BackendError):
    """One thing of an external source cannot be had; ``gone``: what was had of it may not be served any more."""

    def __init__(self, kind: str, message: str, *, gone: bool = False) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.gone = gone


class InstanceChangedError(BackendError):
    """The settings were changed by somebody else since they were read: read them again."""


class RerankerError(BackendError):
    """The reranker failed or gave scores that cannot be used."""

    def __init__(self, message: str, cause: FailureCause) -> None:
        super().__init__(message)
        self.cause = cause


class RerankerBusyError(RerankerError):
    """The server of a remote reranker takes no more requests now; after ``retry_after`` seconds it should."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message, "status")
        self.retry_after = retry_after


class MemoryRanOutError(BackendError):
    """There is not enough memory even for the smallest part of the work."""

    cause = "memory"


class RetrievalError(BackendError):
    """A method of retrieval failed, and the request wants an error rather than a part."""


class OverloadedError(BackendError):
    """More work waits than is let in; after ``retry_after`` seconds there should be room."""

    cause = "overloaded"

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class GeneratorError(BackendError):
    """The language model failed."""


class GeneratorTimeoutError(GeneratorError):
    """The language model did not answer in time."""


class GeneratorAnswerError(GeneratorError):
    """The language model sent something that is no answer."""


class GeneratorBusyError(GeneratorError):
    """The language model takes no more requests now; after ``retry_after`` seconds it should."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class GeneratorDeniedError(GeneratorError):
    """The language model does not accept the key it was given."""


class GeneratorKeyMissingError(GeneratorError):
    """The language model wants a key, and none is configured."""


class GeneratorUnpaidError(GeneratorError):
    """The account at the language model has no credit left."""


class PromptTooLongError(GeneratorError):
    """The prompt has more tokens than the language model reads."""


class PromptBlockedError(GeneratorError):
    """A rule of the language model's side forbids the prompt."""


class AnswerBlockedError(GeneratorError):
    """A rule of the language model's side forbids the answer."""


class StandInError(GeneratorError):
    """The model that answers in place of a hosted one failed."""


class StandInTimeoutError(GeneratorTimeoutError, StandInError):
    """The same, because it did not answer in time."""


class StandInAnswerError(GeneratorAnswerError, StandInError):
    """The same, because what it sent is no answer."""


def cause_of(error: Exception) -> FailureCause:
    """The word for whatever a reranker threw."""
    if isinstance(error, SecondlookError):
        return error.cause
    return "memory" if isinstance(error, MemoryError) else "failed"
