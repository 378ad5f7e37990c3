-- What an endpoint has set of the pooler, over its project's `default_endpoint_settings`; both by
-- PgBouncer's names, as texts.
alter table endpoints add column pgbouncer_settings jsonb not null default '{}';
