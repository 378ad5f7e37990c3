import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import { refuseNewer } from '../control/store/store.ts'
import { type Environment, hideSecrets } from '../lib/config.ts'
import { readFailpointFrom } from '../lib/failpoint.ts'
import { createHome, type Home } from '../lib/home.ts'
import { createLog } from '../lib/log.ts'
import { once } from '../lib/once.ts'
import { readSavedConfig } from '../lib/saved-config.ts'
import { askPlatform } from './ask-platform.ts'
import { dieOnBugs } from './die-on-bugs.ts'
import { claimHome } from './local-socket.ts'
import { emit } from './output.ts'
import { refuseUnfinished } from './restore-marker.ts'
import { type ServeFlags, serveOptions } from './serve-options.ts'
import { type RunningPlatform, startPlatform } from './serve.ts'

/** Runs the platform until `down` asks it to stop over the local socket, or a signal does. */
export async function serve(
  home: Home,
  flags: ServeFlags,
  environment: Environment,
): Promise<void> {
  readFailpointFrom(environment.failpointFile)
  hideSecrets()
  const running = await askPlatform(home)
  if (running !== undefined) {
    emit({ ...running, already_running: true })
    return
  }
  await refuseUnfinished(home)
  const saved = await readSavedConfig(home.config)
  await refuseNewer(`the state in ${home.root}`, saved.state_version)
  const options = serveOptions(flags, environment, saved)
  await createHome(home)
  const log = createLog({
    level: environment.logLevel,
    file: join(home.logs, 'daemon.log'),
    toStderr: !options.isDetached,
  })
  // Whoever started this may stop reading; that is no reason to stop.
  process.stdout.on('error', () => undefined)
  dieOnBugs(log)

  let platform: RunningPlatform | undefined
  const stop = once(async (keepComputes: boolean) => {
    log.info({ keep_computes: keepComputes }, 'stopping')
    await rm(home.run, { force: true })
    // What a start that is still going on has begun is left to whoever asked.
    return (await platform?.stop(keepComputes)) ?? false
  })
  const socket = await claimHome(home, stop)
  // One may have begun before the home was claimed.
  await refuseUnfinished(home)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      void stop(false).then(() => process.exit(0))
    })
  }
  platform = await startPlatform(home, options, log, (message) => {
    log.info(message)
    emit({ event: 'step', message })
  })
  log.info({ api_url: platform.ready.api_url, pid: process.pid }, 'ready')
  socket.operate(platform.gateway)
  socket.admit(platform.console)
  socket.converse(platform.attend)
  socket.describe(platform.ready)
  emit(platform.ready)
}
