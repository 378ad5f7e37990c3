/** The commands that change something. */
import { abortable } from '../abortable.ts'
import { ClientError, Disconnected, sqlstates } from '../errors.ts'
import type { PoolAdmin, PoolFilter } from '../pool/report.ts'
import { consoleStates } from './answers.ts'
import { type Command, invalidCommand } from './command.ts'
import { choosePools, requireAdministrator, type Visitor } from './visitor.ts'

export interface ActionContext {
  admin: PoolAdmin
  visitor: Visitor
  /** Ends a wait: the visitor has cancelled it or has gone. */
  signal: AbortSignal
}

type Action = (words: readonly string[], context: ActionContext) => Promise<void>

const actions: Readonly<Record<string, Action>> = {
  PAUSE: onPools(pause),
  RESUME: onPools(resume),
  RECONNECT: onPools(async (filter, { admin }) => admin.reconnect(filter)),
  KILL: onPools(async (filter, { admin }) => admin.kill(filter)),
  KILL_CLIENT: killClient,
  RELOAD: reload,
}

/** What PgBouncer has and the platform does otherwise. */
const instead: Readonly<Record<string, string>> = {
  DISABLE:
    'PAUSE <database> makes its clients wait; to refuse them, disable the endpoint through the API',
  ENABLE: 'enable the endpoint through the API, or RESUME <database> after PAUSE',
  SET: 'set it for an endpoint with `neon endpoints update <branch> --pooler <name>=<value>`, or for a project likewise',
  SHUTDOWN: 'stop the platform with `coppice down`',
  SUSPEND: 'PAUSE holds all clients; the gateway hands over its connections by itself',
  WAIT_CLOSE: 'SHOW SERVERS tells by close_needed which connections are still to be closed',
}

/** Settings of a session that drivers send unasked; they mean nothing to the console. */
const sessionSettings = new Set([
  'application_name',
  'client_encoding',
  'client_min_messages',
  'datestyle',
  'extra_float_digits',
  'intervalstyle',
  'search_path',
  'standard_conforming_strings',
  'statement_timeout',
  'timezone',
])

const transactionVerbs = new Set(['BEGIN', 'START', 'COMMIT', 'END', 'ROLLBACK', 'ABORT'])

/** Carries the command out and resolves with its tag. Rejects with ClientError. */
export async function act(command: Command, context: ActionContext): Promise<string> {
  const { verb, words } = command
  if (verb === 'SET' && sessionSettings.has(words[0]?.toLowerCase() ?? '')) return verb
  if (transactionVerbs.has(verb)) throw noTransactions()
  const action = Object.hasOwn(actions, verb) ? actions[verb] : undefined
  const advice = Object.hasOwn(instead, verb) ? instead[verb] : undefined
  if (action === undefined && advice === undefined) throw invalidCommand(command)
  requireAdministrator(context.visitor)
  if (action === undefined) throw new ClientError(sqlstates.notSupported, `${verb}: ${advice}`)
  if (words.length > (verb === 'RELOAD' ? 0 : 1)) throw invalidCommand(command)
  await action(words, context)
  return verb
}

function onPools(run: (filter: PoolFilter, context: ActionContext) => Promise<void>): Action {
  return async ([name], context) =>
    run(await choosePools(context.visitor, name, context.admin), context)
}

/** Waits until no transaction runs. Who cancels that wait takes the pause back. */
async function pause(filter: PoolFilter, { admin, signal }: ActionContext): Promise<void> {
  const { pools } = await admin.report(filter)
  if (pools.length > 0 && pools.every((pool) => pool.isPaused)) {
    throw new ClientError(consoleStates.wrongObject, 'already paused; RESUME ends it')
  }
  try {
    await abortable(admin.pause(filter), signal)
  } catch (error) {
    if (!(error instanceof Disconnected)) await admin.resume(filter)
    throw error
  }
}

async function resume(filter: PoolFilter, { admin }: ActionContext): Promise<void> {
  const { pools } = await admin.report(filter)
  if (pools.length > 0 && pools.every((pool) => !pool.isPaused)) {
    throw new ClientError(consoleStates.wrongObject, 'not paused')
  }
  await admin.resume(filter)
}

async function killClient([id]: readonly string[], context: ActionContext): Promise<void> {
  const { admin, visitor } = context
  if (id === undefined || !/^\d{1,15}$/.test(id)) {
    throw new ClientError(
      consoleStates.syntax,
      'KILL_CLIENT needs the number of a client, from the column id of SHOW CLIENTS',
    )
  }
  const isKilled = await admin.killClient(Number(id), { endpointId: visitor.endpointId })
  if (isKilled) return
  throw new ClientError(consoleStates.noObject, `client ${id} not found; SHOW CLIENTS lists them`)
}

async function reload(_: readonly string[], { admin, visitor }: ActionContext): Promise<void> {
  await admin.reload({ endpointId: visitor.endpointId })
}

function noTransactions(): ClientError {
  return new ClientError(
    sqlstates.notSupported,
    'the console has no transactions: let your client commit by itself (autocommit)',
  )
}
