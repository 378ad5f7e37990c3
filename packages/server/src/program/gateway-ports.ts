import { setTimeout as delay } from 'node:timers/promises'

import { AppError } from '../lib/errors.ts'
import type { Home } from '../lib/home.ts'
import { findWorkers } from './gateway-processes.ts'
import { choosePorts, type Ports } from './ports.ts'
import type { ServeOptions } from './serve-options.ts'

/** A gateway process that has lost its daemon lets go of the ports at once, unless it is very busy. */
const letGoTimeoutMs = 10_000
const retryDelayMs = 50

/** The platform's ports, which processes that a killed daemon has left may be about to let go of. */
export async function choosePortsOnceFree(home: Home, options: ServeOptions): Promise<Ports> {
  const deadline = performance.now() + letGoTimeoutMs
  for (;;) {
    try {
      return await choosePorts(options)
    } catch (error) {
      if (!(error instanceof AppError) || performance.now() > deadline) throw error
      if ((await findWorkers(home)).length === 0) throw error
    }
    await delay(retryDelayMs)
  }
}
