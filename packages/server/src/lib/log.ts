import { renameSync, statSync } from 'node:fs'

import pino, { type Logger } from 'pino'

export type { Logger }

/** A log is kept in two files of at most about this size: the current one and the one before. */
const rotateAboveBytes = 20 * 1024 * 1024

const secretNames = ['password', 'key', 'authorization', 'connection_uri']

/**
 * JSON lines, appended to a file, and to stderr as well where someone is watching. Fields that could
 * carry a secret are cut wherever they stand.
 */
export function createLog(options: { level: string; file?: string; toStderr: boolean }): Logger {
  const { level, file, toStderr } = options
  if (file !== undefined) rotate(file)
  const streams = [
    ...(file === undefined
      ? []
      : [{ level, stream: pino.destination({ dest: file, mode: 0o600, sync: true }) }]),
    ...(toStderr ? [{ level, stream: pino.destination({ dest: 2, sync: true }) }] : []),
  ]
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: secretNames.flatMap((name) => [name, `*.${name}`]),
        censor: '[redacted]',
      },
    },
    pino.multistream(streams as pino.StreamEntry[]),
  )
}

function rotate(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size > rotateAboveBytes) renameSync(file, `${file}.1`)
}
