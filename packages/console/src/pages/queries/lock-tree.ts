import type { LockParty } from './catalog-queries.ts'

/** A session, and those that wait for it. */
export interface LockNode {
  party: LockParty
  waiters: LockNode[]
  /** Whom it waits for beside the one that it stands under. */
  alsoWaitsFor: number[]
}

/**
 * Who waits for whom, as trees: at the roots those who wait for nobody and hold up the others. Each session
 * is there once, under the first of those that it waits for. Where all wait for each other, which a
 * deadlock is until PostgreSQL ends it, one of them is the root.
 */
export function growLockTrees(parties: readonly LockParty[]): LockNode[] {
  const byPid = new Map(parties.map((party) => [party.pid, party]))
  const placed = new Set<number>()
  const waitersOf = (pid: number): LockNode[] =>
    parties
      .filter((one) => !placed.has(one.pid) && one.waitsFor.includes(pid))
      // All at this level are placed before any of theirs: a waiter stands as near to the root as it can.
      .map((party) => {
        placed.add(party.pid)
        return party
      })
      .map((party) => grow(party, pid))
  const grow = (party: LockParty, under: number | undefined): LockNode => ({
    party,
    waiters: waitersOf(party.pid),
    alsoWaitsFor: party.waitsFor.filter((pid) => pid !== under && byPid.has(pid)),
  })
  const roots: LockNode[] = []
  const plant = (party: LockParty): void => {
    if (placed.has(party.pid)) return
    placed.add(party.pid)
    roots.push(grow(party, undefined))
  }
  for (const party of parties) if (party.waitsFor.length === 0) plant(party)
  for (const party of parties) plant(party)
  return roots.toSorted((one, other) => countWaiters(other) - countWaiters(one))
}

/** How many wait for a session, directly or behind others. */
export const countWaiters = ({ waiters }: LockNode): number =>
  waiters.reduce((count, waiter) => count + 1 + countWaiters(waiter), 0)
