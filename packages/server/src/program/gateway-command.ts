import type { WorkerReport } from '../gateway/process/supervisor.ts'
import { AppError } from '../lib/errors.ts'
import type { Home } from '../lib/home.ts'
import { askGatewayWorkers, restartGateway } from './ask-platform.ts'

/** `gateway restart`, `gateway status`: the processes that serve when it is done. */
export async function gatewayCommand(
  home: Home,
  action: string | undefined,
): Promise<{ workers: WorkerReport[] }> {
  switch (action) {
    case 'restart':
      await restartGateway(home)
      return { workers: await askGatewayWorkers(home) }
    case 'status':
      return { workers: await askGatewayWorkers(home) }
    case undefined:
    default:
      throw new AppError(
        'invalid_request',
        `unknown command gateway ${action ?? '(none)'}; there are gateway restart and gateway status`,
      )
  }
}
