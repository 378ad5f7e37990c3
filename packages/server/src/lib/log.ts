import pino, { type Logger } from 'pino'

export type { Logger }

/** JSON lines on stdout. Fields that could carry a secret are cut wherever they stand. */
export function createLog(level = 'info'): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: [
        'password',
        'key',
        'authorization',
        'connection_uri',
        '*.password',
        '*.key',
        '*.authorization',
        '*.connection_uri',
      ],
      censor: '[redacted]',
    },
  })
}
