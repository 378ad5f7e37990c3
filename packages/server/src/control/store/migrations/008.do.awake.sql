-- When computes woke, froze, slept and stayed awake although they could have slept, and why. No foreign keys: it
-- stays when its endpoint is deleted.
create table compute_events (
  id bigint generated always as identity primary key,
  endpoint_id text not null,
  project_id text not null,
  branch_id text not null,
  at timestamptz not null,
  event text not null,
  -- As `lib/cause.ts` has it.
  cause jsonb not null,
  -- The event that began the state which this one has ended.
  after text,
  -- Of that state, or of staying awake so far.
  duration_ms bigint,
  -- Compute units × milliseconds, of a sleep and a freeze: since PostgreSQL has started; since it was thawed.
  run_compute_ms bigint,
  compute_ms bigint
);
create index compute_events_endpoint on compute_events (endpoint_id, id desc);
create index compute_events_project on compute_events (project_id, at);
create index compute_events_at on compute_events (at);

-- Clients with these application names neither wake the compute nor keep it awake.
alter table endpoints add column quiet_applications text[] not null default '{}';

-- What things cost, where it is not the default.
alter table platform add column prices jsonb;

-- Bytes of the snapshots that were made of a branch.
alter table storage_hours add column snapshot_bytes bigint not null default 0;

-- What destroying a branch would free, where the file system tells, and when it was asked.
alter table branches add column exclusive_bytes bigint;
alter table branches add column exclusive_read_at timestamptz;
