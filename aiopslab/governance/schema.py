"""What a policy can speak of: a policy that says anything else is refused, not skipped."""

from typing import Literal

Action = Literal["run", "promote", "rollback", "remediate", "publish", "approve"]
APPROVABLE = frozenset({"promote", "rollback", "remediate", "publish"})  # a rule may ask for that
Kind = Literal["Template", "Model", "Prompt", "Index", "Runbook"]

SCHEMA = """
entity Group in [Group];
entity User in [Group];
entity Template, Model, Prompt, Index, Runbook;
type Source = {scheme: String, host: String, url: String};
action run appliesTo {
    principal: [User],
    resource: [Template],
    context: {source: Source, sources: Set<Source>}
};
action promote, rollback appliesTo {
    principal: [User],
    resource: [Model, Prompt, Index],
    context: {alias: String, version: String, approvals: Long}
};
action remediate appliesTo {
    principal: [User],
    resource: [Runbook],
    context: {service: String, approvals: Long}
};
action publish appliesTo {
    principal: [User],
    resource: [Template],
    context: {
        edition: String,
        level: String,
        destination: Source,
        recall_percent: Long,
        approvals: Long
    }
};
action approve appliesTo {
    principal: [User],
    resource: [Template, Model, Prompt, Index, Runbook],
    context: {action: String}
};
"""
