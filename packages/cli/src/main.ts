import { readConfig } from './config.ts'
import { findServerProgram } from './platform-program.ts'
import { run } from './run.ts'

// A reader that has seen enough, as `head` does, closes the pipe: no reason to complain.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

const { stdout, stderr, stdin } = process
process.exitCode = await run(process.argv.slice(2), {
  config: readConfig(),
  streams: { stdout, stderr, stdin },
  serverProgram: findServerProgram,
})
