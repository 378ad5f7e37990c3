/**
 * The admin console: what a client finds in the database `pgbouncer` of a pooled port. It shows and
 * steers the pools by PgBouncer's commands, under PgBouncer's names, so that its exporters, dashboards
 * and habits work.
 *
 *   console → conversation (the protocol) → views (SHOW) and actions (all else)
 */
import { describeError } from '../../lib/errors.ts'
import type { CancelKeys } from '../cancel.ts'
import { ClientError, Disconnected, renderError, sqlstates } from '../errors.ts'
import { authenticationOk, backendKeyData, readyForQuery } from '../wire/messages.ts'
import { parameterStatus } from './answers.ts'
import { type ConsoleContext, Conversation } from './conversation.ts'
import { pgbouncerVersion } from './views.ts'
import type { Visitor } from './visitor.ts'

export interface ConsoleOptions extends ConsoleContext {
  /** Where the console's own key goes, by which a PAUSE that waits is cancelled. */
  cancelKeys: CancelKeys
}

/**
 * Greets the client and serves it until it leaves; then ends the stream. Errors of commands are
 * answered; never rejects.
 */
export async function serveConsole(options: ConsoleOptions): Promise<void> {
  const { stream, cancelKeys, log } = options
  const conversation = new Conversation(options)
  const { key, release } = cancelKeys.issue(() => conversation.interrupt(canceled()))
  const onClose = () => conversation.interrupt(new Disconnected('the client'))
  stream.once('close', onClose)
  try {
    stream.write(
      Buffer.concat([authenticationOk(), ...greeting(options.visitor), backendKeyData(key)]),
    )
    stream.write(readyForQuery())
    await conversation.run()
  } catch (error) {
    if (!(error instanceof Disconnected)) stream.write(renderError(error))
    if (!(error instanceof Disconnected || error instanceof ClientError)) {
      log.warn({ error: describeError(error) }, 'a session of the admin console has failed')
    }
  } finally {
    stream.off('close', onClose)
    release()
    stream.end()
  }
}

/** The parameters that PgBouncer reports; drivers look for them. */
function greeting({ canAct }: Visitor): Buffer[] {
  return Object.entries({
    server_version: `${pgbouncerVersion}/coppice`,
    client_encoding: 'UTF8',
    server_encoding: 'UTF8',
    DateStyle: 'ISO',
    TimeZone: 'UTC',
    standard_conforming_strings: 'on',
    is_superuser: canAct ? 'on' : 'off',
  }).map(([name, value]) => parameterStatus(name, value))
}

function canceled(): ClientError {
  return new ClientError(sqlstates.queryCanceled, 'canceling statement due to user request')
}
