"""The use cases, gathered for whoever stands above: the wire and the command line."""

from dataclasses import dataclass, field

from secondlook.services.access import Access
from secondlook.services.admission import Admission
from secondlook.services.endpoints import Endpoints
from secondlook.services.explaining import Explaining
from secondlook.services.indexing import Indexing
from secondlook.services.instances import Instances
from secondlook.services.judged_sets import JudgedSets
from secondlook.services.lab_runs import LabRuns
from secondlook.services.listing import Listing
from secondlook.services.models import ModelList
from secondlook.services.online import OnlineTrials
from secondlook.services.overrides import Overrides
from secondlook.services.queries import QueryLog
from secondlook.services.quota import Quota
from secondlook.services.recording import RecordedJoint, RecordedSearching
from secondlook.services.reranking import PassageReranking
from secondlook.services.service_tokens import ServiceTokens
from secondlook.services.sign_in import SignIn
from secondlook.services.syncing import Syncing
from secondlook.services.trying import TryingSearching


@dataclass(frozen=True, slots=True)
class Services:
    """One of each."""

    access: Access
    instances: Instances
    indexing: Indexing
    searching: RecordedSearching
    reranking: PassageReranking
    explaining: Explaining
    joint: RecordedJoint
    endpoints: Endpoints
    syncing: Syncing
    service_tokens: ServiceTokens
    quota: Quota
    models: ModelList
    lab: LabRuns
    queries: QueryLog
    listing: Listing
    trying: TryingSearching
    online: OnlineTrials
    sign_in: SignIn
    judged_sets: JudgedSets
    overrides: Overrides
    admission: Admission = field(default_factory=Admission)
