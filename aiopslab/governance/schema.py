"""What a policy can speak of: a policy that says anything else is refused, not skipped."""

SCHEMA = """
entity Group in [Group];
entity User in [Group];
entity Template;
type Source = {scheme: String, host: String, url: String};
action run appliesTo {
    principal: [User],
    resource: [Template],
    context: {source: Source, sources: Set<Source>}
};
"""
