import { must } from '../../lib/assert.ts'
import type { OperationKind } from './operation.ts'

export const suspendCompute: OperationKind = {
  onCrash: 'finish',
  steps: [
    {
      name: 'suspend',
      run: async (context, operation) => {
        const id = must(operation.endpoint_id, 'suspend_compute names an endpoint')
        await context.host.get(id)?.suspend({ force: true })
      },
    },
  ],
}
