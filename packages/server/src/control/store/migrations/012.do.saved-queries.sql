-- SQL that a project keeps under names.
create table saved_queries (
  id uuid primary key default gen_random_uuid(),
  project_id text not null references projects on delete cascade,
  name text not null,
  sql text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (project_id, name)
);

create trigger notify_created_or_deleted after insert or delete on saved_queries
  for each row execute function notify_change();
create trigger notify_changed after update on saved_queries
  for each row when (old.* is distinct from new.*) execute function notify_change();
