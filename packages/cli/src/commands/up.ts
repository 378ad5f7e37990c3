import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'

import { type Command, Option } from 'commander'

import type { Cli } from '../cli.ts'
import { addExamples } from '../help.ts'
import { parsePort } from '../parse.ts'
import { homeArguments } from '../platform-program.ts'
import { release, serve } from '../serve.ts'
import { createSteps } from '../steps.ts'
import { readyScreen } from '../views/ready.ts'

interface UpFlags {
  port?: number
  pooledPort?: number
  sqlPort?: number
  apiPort?: number
  listen?: string
  domain?: string
  publicPort?: string
  publicPooledPort?: string
  hostPort?: string
  tlsCert?: string
  tlsKey?: string
  trustExtensions?: string
  poolSize?: string
  walStore?: string
  s3Endpoint?: string
  s3Region?: string
  limits?: string
  freezeAfter?: string
  computeMemory?: string
  maxAwake?: string
  size?: string
  foreground?: boolean
}

/** `up`: the platform, running in the background when the command ends. */
export function addUp(program: Command, cli: Cli): void {
  const command = program
    .command('up')
    .description('Start the platform on this machine, and set it up the first time.')
    .addOption(
      new Option('--port <port>', 'Port for direct connections: 5432 unless given.').argParser(
        parsePort,
      ),
    )
    .addOption(
      new Option('--pooled-port <port>', 'Port of the pooler: 6432 unless given.').argParser(
        parsePort,
      ),
    )
    .addOption(
      new Option('--sql-port <port>', 'Port of SQL over HTTP: 8443 unless given.').argParser(
        parsePort,
      ),
    )
    .addOption(new Option('--api-port <port>', 'Port of the API.').argParser(parsePort))
    .option(
      '--listen <addresses>',
      'Addresses to listen on, with commas; only this machine unless given.',
    )
    .option('--domain <domain>', 'Domain below which endpoints have their host names.')
    .option(
      '--public-port <port>',
      'Port that clients connect to where something maps it to --port; `same` where nothing does.',
    )
    .option('--public-pooled-port <port>', 'The same for --pooled-port.')
    .addOption(
      new Option(
        '--host-port <when>',
        'Whether hosts of endpoints carry a port: auto (unless it is 5432) or never.',
      ).choices(['auto', 'never']),
    )
    .option(
      '--tls-cert <file>',
      'Certificate of your own, in PEM with its chain; `own` for the one of the platform.',
    )
    .option('--tls-key <file>', 'Its private key. Both are read again when they are renewed.')
    .option(
      '--trust-extensions <names>',
      'More extensions that roles may create, with commas; `none` for no more.',
    )
    .addOption(
      new Option(
        '--limits <when>',
        'Whether computes are limited to their size: auto (where the machine can) or off.',
      ).choices(['auto', 'off']),
    )
    .option(
      '--freeze-after <seconds>',
      'Freeze a compute that is idle for so long, 10 s unless given; `never`.',
    )
    .option(
      '--compute-memory <size>',
      'Memory of all computes together, as a size or a part of the machine: 80% unless given.',
    )
    .option('--max-awake <count>', 'Computes awake at once, the most; `default` as memory allows.')
    .option('--pool-size <size>', 'Size of the storage pool, where one is made: 50G.')
    .addOption(new Option('--size <size>', 'The same as --pool-size.').hideHelp())
    .option(
      '--wal-store <place>',
      'Where old WAL goes: s3://bucket/prefix, or local for the pool alone.',
    )
    .option('--s3-endpoint <url>', 'The S3 service, where it is not that of AWS.')
    .option('--s3-region <region>', 'Its region: us-east-1 unless given.')
    .option('--foreground', 'Stay, and stop the platform on Ctrl-C.')
  addExamples(command, [
    ['up', 'Start, with all defaults'],
    ['up --listen 0.0.0.0 --domain db.example.com', 'For other machines as well'],
    ['up --tls-cert fullchain.pem --tls-key privkey.pem', 'A certificate of your own'],
    ['up --foreground', 'Under a service manager'],
  ]).action(async (flags: UpFlags) => up(cli, flags))
}

async function up(cli: Cli, flags: UpFlags): Promise<void> {
  const steps = createSteps(cli)
  try {
    const { ready, child } = await serve(cli, {
      args: [...serveArguments(flags, cli.config.cwd), ...homeArguments(cli)],
      isDetached: !flags.foreground,
      onStep: (message) => steps.step(message),
    })
    steps.done()
    await cli.output.answer(ready, () => readyScreen(ready, cli.output))
    if (flags.foreground && !ready.already_running) cli.result.exitCode = await attend(child)
    else release(child)
  } catch (error) {
    steps.fail()
    throw error
  }
}

function serveArguments(flags: UpFlags, cwd: string): string[] {
  // The platform runs elsewhere, where a relative path would be another.
  const certificate = flags.tlsCert === 'own' ? 'own' : absolute(cwd, flags.tlsCert)
  const values: ReadonlyArray<readonly [string, string | number | undefined]> = [
    ['--port', flags.port],
    ['--pooled-port', flags.pooledPort],
    ['--sql-port', flags.sqlPort],
    ['--api-port', flags.apiPort],
    ['--listen', flags.listen],
    ['--domain', flags.domain],
    ['--public-port', flags.publicPort],
    ['--public-pooled-port', flags.publicPooledPort],
    ['--host-port', flags.hostPort],
    ['--tls-cert', certificate],
    ['--tls-key', absolute(cwd, flags.tlsKey)],
    ['--trust-extensions', flags.trustExtensions],
    ['--limits', flags.limits],
    ['--freeze-after', flags.freezeAfter],
    ['--compute-memory', flags.computeMemory],
    ['--max-awake', flags.maxAwake],
    ['--pool-size', flags.poolSize ?? flags.size],
    ['--wal-store', flags.walStore],
    ['--s3-endpoint', flags.s3Endpoint],
    ['--s3-region', flags.s3Region],
  ]
  return values.flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)]))
}

function absolute(cwd: string, path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(cwd, path)
}

/** Has the platform stop in order when we are told to, and answers its exit code. */
async function attend(child: ChildProcess): Promise<number> {
  const stop = () => void child.kill('SIGTERM')
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, stop)
  // What it still writes has nowhere to go, but must not fill the pipe.
  child.stdout?.resume()
  try {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    return child.exitCode ?? 1
  } finally {
    for (const signal of signals) process.off(signal, stop)
  }
}
