-- Whose key it is: the owner's own, the organization's, or the organization's for one project alone.
alter table api_keys add column kind text not null default 'user' check (kind in ('user', 'organization'));
alter table api_keys add column project_id text references projects on delete cascade;
alter table api_keys add constraint api_keys_scope check (project_id is null or kind = 'organization');

-- Where the keys of a project's token issuers are.
create table jwks (
  id uuid primary key default gen_random_uuid(),
  project_id text not null references projects on delete cascade,
  branch_id text references branches on delete cascade,
  jwks_url text not null,
  provider_name text not null,
  jwt_audience text,
  role_names text[] not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index jwks_once
  on jwks (project_id, coalesce(branch_id, ''), jwks_url, coalesce(jwt_audience, ''));

-- What the creator of a branch noted on it.
alter table branches add column annotation jsonb not null default '{}';

-- Over the project's; null where the endpoint has none of its own.
alter table endpoints add column preload_libraries jsonb;
