/** Runs the queries of one request on a connection that is lent to it. */
import { mapInSlices } from '../../lib/map-in-slices.ts'
import { Disconnected } from '../errors.ts'
import type { Lease, TransactionStatus } from '../pool/lease.ts'
import { RequestError } from './failures.ts'
import { commandMessages, queryMessages, simpleQuery, sync } from './query-messages.ts'
import { ResultWriter } from './result-writer.ts'
import type { SqlBody } from './sql-body.ts'
import { beginStatement, type SqlOptions } from './sql-headers.ts'
import { setClaims } from './token-check.ts'

export interface RunOptions extends SqlOptions {
  /** Of the token that the client has shown, sealed. */
  claims?: string | undefined
}

/** Neon's limit of an answer, and of a request. */
export const maxSqlBytes = 10 * 1024 * 1024

/** A cancel request that reaches a backend between two statements does nothing, so it is repeated. */
const cancelEveryMs = 1_000

/**
 * The JSON of the answer. Rejects with QueryError where PostgreSQL refuses, with RequestError where
 * the answer is too large, with Disconnected where the compute goes, and with the reason of whoever
 * aborts; what runs then is cancelled and waited for, so that the connection can be given back in any
 * case.
 */
export async function runSql(
  lease: Lease,
  body: SqlBody,
  options: RunOptions,
  controller: AbortController,
): Promise<Buffer> {
  const { signal } = controller
  signal.throwIfAborted()
  const writer = new ResultWriter({
    rawText: options.rawText,
    arrayModes: body.queries.map(({ arrayMode }) => arrayMode ?? options.arrayMode),
    maxBytes: maxSqlBytes,
    onTooLarge: () => controller.abort(responseTooLarge()),
  })
  if (!body.isBatch) {
    await exchange(lease, await pipeline(body, options, signal), writer, signal)
    return Buffer.concat(writer.finish())
  }
  await runBatch(lease, body, options, writer, signal)
  return Buffer.concat([Buffer.from('{"results":['), ...writer.finish(), Buffer.from(']}')])
}

/**
 * One pipeline up to the end of the queries. COMMIT follows when their answers are known to be whole:
 * sent along, it could not be taken back for an answer that is too large or a client that has left.
 */
async function runBatch(
  lease: Lease,
  body: SqlBody,
  options: RunOptions,
  writer: ResultWriter,
  signal: AbortSignal,
): Promise<void> {
  const begin = commandMessages(beginStatement(options.transaction))
  const queries = await pipeline(body, options, signal)
  const status = await exchange(lease, [begin, ...queries], writer, signal)
  // A batch may have ended its transaction itself.
  if (status !== 'I') await exchange(lease, [simpleQuery('COMMIT')], writer, signal)
}

/** Claims last as long as the transaction, which without BEGIN is the pipeline. */
async function pipeline(
  { queries }: SqlBody,
  { claims }: RunOptions,
  signal: AbortSignal,
): Promise<Buffer[]> {
  const giveClaims = claims === undefined ? [] : [commandMessages(setClaims, [claims])]
  return [...giveClaims, ...(await mapInSlices(queries, queryMessages, signal)), sync]
}

/** Sends and takes the answers. After a failure the lease's owner gives it back, which rolls back. */
async function exchange(
  lease: Lease,
  messages: Buffer[],
  writer: ResultWriter,
  signal: AbortSignal,
): Promise<TransactionStatus> {
  const stopCancelling = cancelWhenAborted(lease, signal)
  try {
    const status = await lease.exchange(Buffer.concat(messages), (type, answer) =>
      writer.take(type, answer),
    )
    signal.throwIfAborted()
    if (writer.failure) throw writer.failure
    return status
  } catch (error) {
    signal.throwIfAborted()
    // Why a backend goes it says before it does.
    if (error instanceof Disconnected && writer.failure) throw writer.failure
    throw error
  } finally {
    stopCancelling()
  }
}

function cancelWhenAborted(lease: Lease, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | undefined
  const onAbort = () => {
    lease.cancel()
    timer = setInterval(() => lease.cancel(), cancelEveryMs)
  }
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  return () => {
    clearInterval(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

function responseTooLarge(): RequestError {
  return new RequestError(507, `response is too large (max is ${maxSqlBytes} bytes)`)
}
