/** The pools of all processes as if they were one's: what an administrator sees and acts on. */
import type {
  ClientReport,
  GatewayReport,
  PoolAdmin,
  PoolFilter,
  PoolReport,
  ServerReport,
} from '../pool/report.ts'
import type { Question } from './protocol.ts'

/** Asks every process, its own included. One that has just ended is left out. */
export type AskAll = (
  question: Question,
  timeoutMs: number,
) => Promise<{ number: number; value: unknown }[]>

/** The name that these questions have. */
export const poolAdminQuestion = 'pool_admin'

type PoolAdminCall =
  | { method: Exclude<keyof PoolAdmin, 'killClient'>; filter: PoolFilter }
  /** The client with this id in the process with this number. */
  | { method: 'killClient'; filter: PoolFilter; clientId: number; number: number }

const reportTimeoutMs = 10_000
/** A pause waits for transactions to end. */
const pauseTimeoutMs = 3_600_000

/** Ids count per process; those shown carry the process's number in their last places. */
const processNumbers = 256

export function combinePoolAdmin(askAll: AskAll): PoolAdmin {
  const ask = async (call: PoolAdminCall, timeoutMs = reportTimeoutMs) =>
    askAll({ name: poolAdminQuestion, argument: call }, timeoutMs)
  return {
    report: async (filter) => {
      const replies = await ask({ method: 'report', filter })
      return mergeReports(
        // Each process answers what `PoolAdmin.report` of its own does.
        replies.map(({ number, value }) => markIds(value as GatewayReport, number)),
      )
    },
    pause: async (filter) => void (await ask({ method: 'pause', filter }, pauseTimeoutMs)),
    resume: async (filter) => void (await ask({ method: 'resume', filter })),
    reconnect: async (filter) => void (await ask({ method: 'reconnect', filter })),
    kill: async (filter) => void (await ask({ method: 'kill', filter })),
    killClient: async (id, filter) => {
      const number = id % processNumbers
      const clientId = Math.floor(id / processNumbers)
      const replies = await ask({ method: 'killClient', filter, clientId, number })
      return replies.some(({ value }) => value === true)
    },
    reload: async (filter) => void (await ask({ method: 'reload', filter })),
  }
}

/** One process's answer to a question of `combinePoolAdmin`. */
export async function answerPoolAdmin(
  local: PoolAdmin,
  ownNumber: number,
  argument: unknown,
): Promise<unknown> {
  // Only `combinePoolAdmin` asks under this name.
  const call = argument as PoolAdminCall
  if (call.method !== 'killClient') return local[call.method](call.filter)
  return call.number === ownNumber && local.killClient(call.clientId, call.filter)
}

function markIds(report: GatewayReport, number: number): GatewayReport {
  const mark = (id: number): number => id * processNumbers + number
  const markOther = (id: number | undefined) => (id === undefined ? undefined : mark(id))
  return {
    pools: report.pools,
    clients: report.clients.map((one): ClientReport => ({
      ...one,
      id: mark(one.id),
      serverId: markOther(one.serverId),
    })),
    servers: report.servers.map((one): ServerReport => ({
      ...one,
      id: mark(one.id),
      clientId: markOther(one.clientId),
    })),
  }
}

function mergeReports(reports: readonly GatewayReport[]): GatewayReport {
  const pools = new Map<string, PoolReport>()
  for (const pool of reports.flatMap((report) => report.pools)) {
    const name = JSON.stringify([pool.endpointId, pool.database, pool.role])
    const known = pools.get(name)
    pools.set(name, known ? mergePools(known, pool) : pool)
  }
  return {
    pools: [...pools.values()],
    clients: reports.flatMap((report) => report.clients),
    servers: reports.flatMap((report) => report.servers),
  }
}

/** While a process takes over from another, both have a pool of the same name. */
function mergePools(one: PoolReport, other: PoolReport): PoolReport {
  return {
    ...one,
    isPaused: one.isPaused || other.isPaused,
    clients: sum(one.clients, other.clients),
    servers: sum(one.servers, other.servers),
    longestWaitUs: Math.max(one.longestWaitUs, other.longestWaitUs),
    totals: sum(one.totals, other.totals),
  }
}

function sum<Counts extends object>(one: Counts, other: Counts): Counts {
  const counts: Record<string, number> = {}
  for (const [name, value] of [...Object.entries(one), ...Object.entries(other)]) {
    counts[name] = (counts[name] ?? 0) + Number(value)
  }
  // Every field of both is a count.
  return counts as Counts
}
