import type { Diagnostic } from './diagnostic.ts'

export const replicationSlots: Diagnostic = {
  name: 'replication-slots',
  description: 'Replication slots, who reads them, and how far they are behind.',
  scope: 'compute',
  none: 'There are no replication slots.',
  sql: `
    with position as (
      select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn()
        end as lsn
    )
    select slots.slot_name, slots.slot_type,
      case when slots.temporary then 'temporary' else slots.slot_type end as slot_kind,
      coalesce(senders.state, case when slots.active then 'active' else 'inactive' end)
        || case when slots.wal_status in ('unreserved', 'lost') then ', WAL ' || slots.wal_status
          else '' end as status,
      host(senders.client_addr) as client_addr,
      slots.restart_lsn::text as restart_lsn,
      slots.confirmed_flush_lsn::text as confirmed_flush_lsn,
      pg_size_pretty(pg_wal_lsn_diff(
        position.lsn, coalesce(slots.confirmed_flush_lsn, slots.restart_lsn)
      )) as replication_lag
    from position, pg_replication_slots slots
    left join pg_stat_replication senders on senders.pid = slots.active_pid
    order by pg_wal_lsn_diff(
      position.lsn, coalesce(slots.confirmed_flush_lsn, slots.restart_lsn)
    ) desc nulls last, 1`,
}

/** Whom this server sends its WAL to, or whom it has it from. */
export const replication: Diagnostic = {
  name: 'replication',
  description: 'Who receives WAL from here, or sends it here, and how far behind that is.',
  scope: 'compute',
  none: 'Nobody receives WAL from here, and nobody sends it here.',
  sql: `
    with position as (
      select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn()
        end as lsn
    )
    select 'to' as direction, senders.application_name as name,
      host(senders.client_addr) as address, senders.state,
      senders.sent_lsn::text as received_lsn, senders.replay_lsn::text as replayed_lsn,
      pg_size_pretty(pg_wal_lsn_diff(position.lsn, senders.replay_lsn)) as behind,
      senders.replay_lag::text as lag
    from pg_stat_replication senders, position
    union all
    select 'from', receiver.slot_name, receiver.sender_host, receiver.status,
      receiver.latest_end_lsn::text, position.lsn::text,
      pg_size_pretty(pg_wal_lsn_diff(receiver.latest_end_lsn, position.lsn)),
      (clock_timestamp() - pg_last_xact_replay_timestamp())::text
    from pg_stat_wal_receiver receiver, position
    order by 1, 2, 3`,
}

/** States of the manual's 52.55, pg_subscription_rel. */
export const subscriptions: Diagnostic = {
  name: 'subscriptions',
  description: 'How far each table of a subscription is.',
  scope: 'database',
  none: 'This database subscribes to nothing.',
  sql: `
    select subscription.subname as subscription, tables.srrelid::regclass::text as table_name,
      case tables.srsubstate
        when 'i' then 'initialize'
        when 'd' then 'copying data'
        when 'f' then 'copied'
        when 's' then 'synchronized'
        when 'r' then 'ready'
        else tables.srsubstate::text
      end as status,
      tables.srsublsn::text as lsn
    from pg_subscription subscription
    join pg_subscription_rel tables on tables.srsubid = subscription.oid
    where subscription.subdbid = (select oid from pg_database where datname = current_database())
    order by 1, 2`,
}
