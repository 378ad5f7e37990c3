import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { errorCode } from '../lib/errors.ts'

/** What `postmaster.pid` tells (src/include/utils/pidfile.h). Lines are added as a start proceeds. */
export interface PidFile {
  pid: number
  /** Empty until the socket is made. */
  socketDirectory: string
  status: (typeof statuses)[number] | undefined
}

const socketDirectoryLine = 4
const statusLine = 7

/** Reads `postmaster.pid`, or undefined where there is none or PostgreSQL has not yet written its pid. */
export function readPidFile(dataDirectory: string): PidFile | undefined {
  try {
    return parsePidFile(readFileSync(join(dataDirectory, 'postmaster.pid'), 'utf8'))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

export function parsePidFile(text: string): PidFile | undefined {
  const lines = text.split('\n')
  // A process without a terminal of its own may write its pid with a minus: a single-user backend.
  const pid = Math.abs(Number(lines[0]))
  if (!Number.isInteger(pid) || pid === 0) return undefined
  return {
    pid,
    socketDirectory: lines[socketDirectoryLine] ?? '',
    status: parseStatus(lines[statusLine]?.trim()),
  }
}

const statuses = ['starting', 'ready', 'standby', 'stopping'] as const

function parseStatus(text: string | undefined): PidFile['status'] {
  return statuses.find((one) => one === text)
}
