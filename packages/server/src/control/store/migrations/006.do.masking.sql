-- Branches with masked data of another. They are roots: nothing of their source is in their lines.
create table anonymized_branches (
  branch_id text primary key references branches on delete cascade,
  -- By id alone: the source may be deleted, and the masked branch goes on.
  source_branch_id text not null,
  -- Of the source, for the first run; every later one takes its present.
  source_timestamp text,
  source_lsn text,
  masking_rules jsonb not null default '[]',
  -- What pseudonyms are keyed with, sealed; the same for every run.
  key_sealed bytea not null,
  state text not null default 'initialized'
    check (state in ('initialized', 'anonymizing', 'anonymized', 'error')),
  status_message text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  failed_at timestamptz,
  run_started_at timestamptz,
  run_completed_at timestamptz,
  run_masked_columns integer
);
