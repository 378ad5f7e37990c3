-- Reports of rehearsals of migrations, also of those that were made elsewhere.
create table rehearsals (
  id uuid primary key default gen_random_uuid(),
  project_id text not null references projects on delete cascade,
  -- The branch that it was for, which may be gone.
  branch_id text not null,
  branch_name text not null,
  database_name text not null,
  created_at timestamptz not null default now(),
  -- As a list shows it, so that one need not read the reports.
  files text[] not null,
  statements integer not null,
  findings integer not null,
  duration_ms double precision not null,
  failed boolean not null,
  report jsonb not null
);
create index rehearsals_by_project on rehearsals (project_id, created_at desc);

create trigger notify_created_or_deleted after insert or delete on rehearsals
  for each row execute function notify_change();
