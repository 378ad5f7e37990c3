import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** What is read from the environment: the variables of the CLI, and `coppice`'s places. */
export interface Config {
  apiHost: string | undefined
  apiKey: string | undefined
  projectId: string | undefined
  /** State directories of a platform on this machine, the first that runs is taken. */
  homes: readonly string[]
  cwd: string
}

/** Where root keeps its platform, which other users of the machine may be allowed to use. */
const systemHome = '/var/lib/coppice'

/** The only reader of the environment. docs/testing.md lists the variables. */
export function readConfig(): Config {
  const read = (...names: string[]): string | undefined =>
    names.map((name) => process.env[name]).find((value) => value)
  const home = read('COPPICE_HOME')
  return {
    apiHost: read('COPPICE_API_HOST', 'NEON_API_HOST'),
    apiKey: read('COPPICE_API_KEY', 'NEON_API_KEY'),
    projectId: read('COPPICE_PROJECT_ID', 'NEON_PROJECT_ID'),
    homes: home === undefined ? [userHome(read('XDG_DATA_HOME')), systemHome] : [resolve(home)],
    cwd: process.cwd(),
  }
}

/** Sets a variable for the program under test, and answers how it is put back. */
export function setVariable(name: string, value: string): () => void {
  const before = process.env[name]
  process.env[name] = value
  return () => {
    if (before === undefined) delete process.env[name]
    else process.env[name] = before
  }
}

function userHome(dataHome: string | undefined): string {
  if (process.getuid?.() === 0) return systemHome
  if (process.platform === 'darwin') {
    return join(homedir(), 'Library', 'Application Support', 'Coppice')
  }
  return join(dataHome ?? join(homedir(), '.local', 'share'), 'coppice')
}
