-- Computes that several endpoints share. One of a project may be what endpoints of new branches get.
create table computes (
  id text primary key,
  project_id text not null references projects on delete cascade,
  name text not null,
  min_cu double precision not null,
  max_cu double precision not null,
  for_new_branches boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index computes_name on computes (project_id, name);
create unique index computes_for_new_branches on computes (project_id) where for_new_branches;

-- An endpoint keeps the size that it has without: a compute that is deleted gives it back.
alter table endpoints add column compute_id text references computes on delete set null;
create index endpoints_compute on endpoints (compute_id) where compute_id is not null;
