/**
 * Places where tests let the process die as if by `kill -9`. `COPPICE_FAILPOINT=name` arms one; in
 * ordinary runs nothing is armed and passing one costs a comparison.
 */
let armed: string | undefined

export function armFailpoint(name: string | undefined): void {
  armed = name
}

export function failpoint(name: string): void {
  if (armed === name) process.kill(process.pid, 'SIGKILL')
}
