-- History. The data of a branch is a line: its volume, from the moment when it was made. A restore gives
-- a branch another volume; the line that it had goes on as another branch's, so that every line that
-- still exists belongs to exactly one row here.
alter table branches
  -- The line that this one began as a clone of, and the moment of it; that line may be gone by now.
  add column origin_volume_id text,
  add column origin_lsn text,
  add column origin_time timestamptz,
  add column last_reset_at timestamptz,
  add column archived_at timestamptz,
  -- Of a hidden branch: the snapshot that it is the data of.
  add column snapshot_id text,
  -- Of a branch made from a snapshot: which, the branch that it is to replace, and whether it has.
  add column restored_from text,
  add column restore_target_id text,
  add column restore_status text check (restore_status in ('restored', 'finalized')),
  -- Of a branch that another has replaced: that one.
  add column restored_as text;

-- What recoveries begin with: clones of a line's volume, made as it is written to.
create table line_snapshots (
  -- Also the name of its volume.
  id text primary key,
  line text not null,
  -- What it holds ends between the two.
  lsn_from numeric not null,
  lsn_to numeric not null,
  -- Whether it was taken before anything could be written to the line.
  is_first boolean not null default false,
  created_at timestamptz not null default now(),
  -- When it was whole; everything in it is older. Null while it is being made.
  taken_at timestamptz
);
create index line_snapshots_line on line_snapshots (line, taken_at);

-- Points that users keep. Their data is that of a hidden branch.
create table snapshots (
  id text primary key,
  project_id text not null references projects on delete cascade,
  source_branch_id text,
  name text not null,
  slug text,
  lsn text,
  "timestamp" timestamptz,
  manual boolean not null default true,
  expires_at timestamptz,
  verification text not null default 'pending'
    check (verification in ('pending', 'running', 'passed', 'failed')),
  verified_at timestamptz,
  verification_detail text,
  -- Set in the transaction that makes its data whole: until then nobody sees it.
  ready_at timestamptz,
  created_at timestamptz not null default now()
);
create unique index snapshots_slug on snapshots (project_id, slug);

-- When snapshots of a branch are made: items of Neon's schedule, each with when it last ran.
create table snapshot_schedules (
  branch_id text primary key references branches on delete cascade,
  items jsonb not null,
  checked_at timestamptz not null default now()
);
