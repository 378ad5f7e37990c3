import { processChannel } from '../gateway/process/channel.ts'
import { Worker } from '../gateway/process/worker.ts'
import { describeError } from '../lib/errors.ts'
import { createLog, type Logger } from '../lib/log.ts'

/** `gateway-worker`: one process of the gateway, forked by the daemon, which tells it all it has to know. */
export function runGatewayWorker(): void {
  let log: Logger | undefined
  const die = (error: unknown): void => {
    const stack = error instanceof Error ? error.stack : undefined
    log?.fatal({ error: describeError(error), stack }, 'stopped by an unexpected error')
    process.exit(70)
  }
  process.on('uncaughtException', die)
  process.on('unhandledRejection', die)
  const worker = new Worker(processChannel(process), {
    createLog: ({ logLevel, logFile, logsToStderr }) => {
      log = createLog({ level: logLevel, file: logFile, toStderr: logsToStderr })
      return log
    },
    exit: () => process.exit(0),
  })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => worker.shutDown())
}
