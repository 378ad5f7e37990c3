-- What should exist. What runs, and how it was last seen, is known by the host; the columns for it
-- here (current_state, last_active, sizes) are copies for listing.

create table platform (
  id text primary key,
  created_at timestamptz not null default now()
);

create table projects (
  id text primary key,
  name text not null,
  region_id text not null,
  pg_version integer not null,
  settings jsonb not null default '{}',
  default_endpoint_settings jsonb not null default '{}',
  store_passwords boolean not null default true,
  history_retention_seconds integer not null default 86400,
  -- Set in the transaction that makes the root branch ready: until then nobody sees the project.
  ready_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  recoverable_until timestamptz
);

create table branches (
  id text primary key,
  project_id text not null references projects on delete cascade,
  parent_id text references branches on delete set null,
  parent_lsn text,
  parent_timestamp timestamptz,
  name text not null,
  volume_id text not null unique,
  is_default boolean not null default false,
  protected boolean not null default false,
  init_source text not null default 'parent-data',
  expires_at timestamptz,
  logical_size_bytes bigint,
  ready_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  recoverable_until timestamptz
);
-- Also while a branch is being made, so that the second of two equal names is refused at once.
create unique index branches_name on branches (project_id, name) where deleted_at is null;
create unique index branches_default on branches (project_id) where is_default and deleted_at is null;
create index branches_parent on branches (parent_id);

create table endpoints (
  id text primary key,
  project_id text not null references projects on delete cascade,
  branch_id text not null references branches on delete cascade,
  type text not null check (type in ('read_write', 'read_only')),
  name text,
  min_cu double precision not null,
  max_cu double precision not null,
  suspend_timeout_seconds integer not null default 0,
  pg_settings jsonb not null default '{}',
  pooler_enabled boolean not null default false,
  disabled boolean not null default false,
  current_state text not null default 'idle' check (current_state in ('init', 'active', 'idle')),
  last_active timestamptz,
  started_at timestamptz,
  suspended_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index endpoints_read_write on endpoints (branch_id) where type = 'read_write';
create index endpoints_project on endpoints (project_id);

create table roles (
  branch_id text not null references branches on delete cascade,
  name text not null,
  password_sealed bytea,
  can_login boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (branch_id, name)
);

create table databases (
  id integer generated always as identity primary key,
  branch_id text not null references branches on delete cascade,
  name text not null,
  owner_name text not null,
  size_bytes bigint not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (branch_id, name)
);

-- One row per asynchronous change, Neon's own resource. `input` is all that its steps are told; it
-- never holds a secret in the clear.
create table operations (
  id uuid primary key default gen_random_uuid(),
  project_id text not null,
  branch_id text,
  endpoint_id text,
  action text not null,
  status text not null default 'scheduling',
  input jsonb not null default '{}',
  error text,
  failures_count integer not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
create index operations_project on operations (project_id, created_at desc, id);
create index operations_open on operations (created_at) where status in ('scheduling', 'running');

create table api_keys (
  id integer generated always as identity primary key,
  name text not null,
  key_hash bytea not null unique,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  last_used_from_addr text not null default ''
);
