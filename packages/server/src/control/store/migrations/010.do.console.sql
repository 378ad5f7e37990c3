-- The web console: who is signed in, and what it is told of changes.

-- As scrypt made it; at most one row.
create table console_password (
  is_only boolean primary key default true check (is_only),
  salt bytea not null,
  hash bytea not null,
  changed_at timestamptz not null default now()
);

-- A session acts with its key and ends with it; without one it is the owner's.
create table console_sessions (
  token_hash bytea primary key,
  api_key_id integer references api_keys on delete cascade,
  by_password boolean not null default false,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);

-- Says that a row has changed, never what it holds: who hears of it asks the API, which knows what
-- they may see. Equal messages of one transaction are one (PostgreSQL manual, NOTIFY).
create function notify_change() returns trigger language plpgsql as $$
declare
  changed jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
begin
  perform pg_notify('coppice_changes', jsonb_strip_nulls(jsonb_build_object(
    'kind', tg_table_name,
    'project_id', case tg_table_name when 'projects' then changed ->> 'id' else coalesce(
      changed ->> 'project_id',
      (select b.project_id from branches b where b.id = changed ->> 'branch_id')) end,
    'branch_id', case tg_table_name when 'branches' then changed ->> 'id' else changed ->> 'branch_id' end,
    'endpoint_id', case tg_table_name when 'endpoints' then changed ->> 'id' else changed ->> 'endpoint_id' end,
    'operation_id', case tg_table_name when 'operations' then changed ->> 'id' end,
    'action', changed ->> 'action',
    'status', case tg_table_name when 'operations' then changed ->> 'status' end))::text);
  return null;
end $$;

create trigger notify_created_or_deleted after insert or delete on projects
  for each row execute function notify_change();
create trigger notify_changed after update on projects
  for each row when (old.* is distinct from new.*) execute function notify_change();
create trigger notify_created_or_deleted after insert or delete on branches
  for each row execute function notify_change();
create trigger notify_changed after update on branches
  for each row when (old.* is distinct from new.*) execute function notify_change();
create trigger notify_created_or_deleted after insert or delete on endpoints
  for each row execute function notify_change();
create trigger notify_changed after update on endpoints
  for each row when (old.* is distinct from new.*) execute function notify_change();
create trigger notify_created_or_deleted after insert or delete on operations
  for each row execute function notify_change();
create trigger notify_changed after update on operations
  for each row when (old.status is distinct from new.status) execute function notify_change();
create trigger notify_created_or_deleted after insert or delete on roles
  for each row execute function notify_change();
create trigger notify_created_or_deleted after insert or delete on databases
  for each row execute function notify_change();
create trigger notify_changed after update on databases
  for each row when (old.* is distinct from new.*) execute function notify_change();
create trigger notify_created_or_deleted after insert or delete on snapshots
  for each row execute function notify_change();
create trigger notify_changed after update on snapshots
  for each row when (old.* is distinct from new.*) execute function notify_change();
