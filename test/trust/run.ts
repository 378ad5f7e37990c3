import { spawn } from 'node:child_process'
import { env } from 'node:process'
import { parseArgs } from 'node:util'

/**
 * `npm run test:trust -- --long [--minutes 30] [--seed 7] [part ...]`. Without `--long` it is what
 * `npm test` runs of it. Parts are beginnings of file names in this directory.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    long: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    seed: { type: 'string' },
  },
})

const parts = positionals.map((part) => `test/trust/${part}`)
const vitest = spawn('vitest', ['run', '--project', 'trust', ...parts], {
  stdio: 'inherit',
  env: {
    ...env,
    ...(values.long && { COPPICE_TRUST: 'long' }),
    ...(values.minutes !== undefined && { COPPICE_TRUST_MINUTES: values.minutes }),
    ...(values.seed !== undefined && { COPPICE_TRUST_SEED: values.seed }),
  },
})
vitest.on('exit', (code) => {
  process.exitCode = code ?? 1
})
