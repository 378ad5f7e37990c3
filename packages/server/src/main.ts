import { parseArgs } from 'node:util'

import { readEnvironment } from './lib/config.ts'
import { AppError } from './lib/errors.ts'
import { homePaths } from './lib/home.ts'
import { stopPlatform } from './program/ask-platform.ts'
import { emit, emitError } from './program/output.ts'
import { serveFlags } from './program/serve-options.ts'

/**
 * The server's program: `serve`, `down`, `doctor`, `pool create|grow|status`, `gateway restart|status`,
 * `ca install|uninstall`, `console link|password`, `backup create|list|verify`, `restore`, `eject`. It speaks JSON lines on stdout; people use the CLI, which runs it. `gateway-worker` is for the daemon.
 */
const flags = {
  ...serveFlags,
  size: { type: 'string' },
  'keep-computes': { type: 'boolean' },
  'without-history': { type: 'boolean' },
  'passphrase-file': { type: 'string' },
  keep: { type: 'string' },
  backup: { type: 'string' },
  project: { type: 'string' },
  branch: { type: 'string' },
  to: { type: 'string' },
  owner: { type: 'string' },
} as const

// What is secret is made with its mode; the rest PostgreSQL's user has to read, whoever starts this.
process.umask(0o022)

try {
  const { values, positionals } = parseArgs({
    options: flags,
    allowPositionals: true,
    strict: true,
  })
  const environment = readEnvironment()
  const home = homePaths(values.home ?? environment.home)
  const [command, ...rest] = positionals
  switch (command) {
    // Loaded when asked for: all of the platform takes most of a second, stopping it needs none of it.
    case 'serve': {
      const { serve } = await import('./program/serve-command.ts')
      await serve(home, values, environment)
      break
    }
    case 'down': {
      const keepComputes = values['keep-computes'] ?? false
      const outcome = await stopPlatform(home, keepComputes)
      if (outcome === 'whole') {
        const { endLeftWorkers } = await import('./program/gateway-processes.ts')
        await endLeftWorkers(home)
        emit({ stopped: true })
      } else {
        const { stopLeft } = await import('./program/stop-left.ts')
        const isStopped = await stopLeft(home, environment, keepComputes)
        emit({ stopped: isStopped || outcome === 'left' })
      }
      break
    }
    case 'gateway': {
      const { gatewayCommand } = await import('./program/gateway-command.ts')
      emit(await gatewayCommand(home, rest[0]))
      break
    }
    case 'gateway-worker': {
      const { runGatewayWorker } = await import('./program/gateway-worker.ts')
      runGatewayWorker()
      break
    }
    case 'doctor': {
      const { doctor } = await import('./program/doctor.ts')
      emit({ checks: await doctor(home, environment) })
      break
    }
    case 'console': {
      const { consoleCommand } = await import('./program/console-command.ts')
      emit(await consoleCommand(home, rest[0]))
      break
    }
    case 'ca': {
      const { caCommand } = await import('./program/trust-store.ts')
      emit(await caCommand(home, rest[0]))
      break
    }
    case 'pool': {
      const { poolCommand } = await import('./program/pool-command.ts')
      emit(await poolCommand(home, environment, rest[0], values.size))
      break
    }
    case 'backup': {
      const { backupCommand } = await import('./program/backup-command.ts')
      emit(await backupCommand({ home, environment, flags: values }, rest[0], rest[1]))
      break
    }
    case 'restore': {
      const { restoreCommand } = await import('./program/restore-command.ts')
      emit(await restoreCommand({ home, environment, flags: values }, rest[0]))
      break
    }
    case 'eject': {
      const { ejectCommand } = await import('./program/eject-command.ts')
      emit(await ejectCommand(home, environment, values))
      break
    }
    case undefined:
    default:
      throw new AppError('invalid_request', `unknown command ${command ?? '(none)'}`)
  }
} catch (error) {
  emitError(error)
  // What a failed start holds on to must not keep it alive: the next start would find this one.
  process.stdout.write('', () => process.exit(1))
}
