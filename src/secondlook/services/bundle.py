"""The use cases, gathered for whoever stands above: the wire and the command line."""

from dataclasses import dataclass

from secondlook.services.access import Access
from secondlook.services.endpoints import Endpoints
from secondlook.services.explaining import Explaining
from secondlook.services.indexing import Indexing
from secondlook.services.instances import Instances
from secondlook.services.joint_searching import JointSearching
from secondlook.services.lab_runs import LabRuns
from secondlook.services.models import ModelList
from secondlook.services.quota import Quota
from secondlook.services.reranking import PassageReranking
from secondlook.services.searching import Searching
from secondlook.services.service_tokens import ServiceTokens
from secondlook.services.syncing import Syncing


@dataclass(frozen=True, slots=True)
class Services:
    """One of each."""

    access: Access
    instances: Instances
    indexing: Indexing
    searching: Searching
    reranking: PassageReranking
    explaining: Explaining
    joint: JointSearching
    endpoints: Endpoints
    syncing: Syncing
    service_tokens: ServiceTokens
    quota: Quota
    models: ModelList
    lab: LabRuns
