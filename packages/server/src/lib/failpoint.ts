import { readFileSync } from 'node:fs'

/**
 * Places where tests let the process die as if by `kill -9`: at the one that the text of the file in
 * `COPPICE_FAILPOINT_FILE` names, read each time, so that one process can be let die at any of them. After
 * `stop ` it stands still there instead, until it is sent SIGCONT: for the death of somebody else. In
 * ordinary runs there is no such file and passing a place costs a comparison.
 */
let armedIn: string | undefined

export function readFailpointFrom(file: string | undefined): void {
  armedIn = file
}

export function failpoint(name: string): void {
  if (armedIn === undefined) return
  const armed = readArmed(armedIn)
  if (armed === name) process.kill(process.pid, 'SIGKILL')
  if (armed === `stop ${name}`) process.kill(process.pid, 'SIGSTOP')
}

function readArmed(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
