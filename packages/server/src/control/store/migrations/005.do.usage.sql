-- What computes have used, by hour. A row is all that one ledger of a compute says of an hour by now, so
-- writing it twice changes nothing. No foreign keys: what was used stays when its endpoint is deleted.
create table usage_hours (
  endpoint_id text not null,
  hour timestamptz not null,
  ledger_id uuid not null,
  project_id text not null,
  branch_id text not null,
  active_ms bigint not null,
  -- Compute units × milliseconds.
  compute_ms bigint not null,
  cpu_ms bigint not null,
  written_data_bytes bigint not null,
  data_transfer_bytes bigint not null,
  primary key (endpoint_id, hour, ledger_id)
);
create index usage_hours_project on usage_hours (project_id, hour);
create index usage_hours_branch on usage_hours (branch_id, hour);
create index usage_hours_hour on usage_hours (hour);

-- The most that a branch has held within an hour.
create table storage_hours (
  branch_id text not null,
  hour timestamptz not null,
  project_id text not null,
  is_root boolean not null,
  logical_size_bytes bigint not null,
  -- A root's logical size; of a child what it has written since it was made, where that is less.
  data_bytes bigint not null,
  -- What a root has written within the project's history window.
  history_bytes bigint not null,
  primary key (branch_id, hour)
);
create index storage_hours_project on storage_hours (project_id, hour);
create index storage_hours_hour on storage_hours (hour);

-- Sums of the current period, copied here for lists and quotas.
alter table projects add column usage jsonb;
alter table projects add column quota_exceeded text;
alter table branches add column usage jsonb;
