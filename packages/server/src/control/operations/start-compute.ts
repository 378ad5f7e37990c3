import { must } from '../../lib/assert.ts'
import type { OperationKind } from './operation.ts'

export const startCompute: OperationKind = {
  onCrash: 'finish',
  steps: [
    {
      name: 'wake',
      run: async (context, operation) => {
        const id = must(operation.endpoint_id, 'start_compute names an endpoint')
        // Deleted meanwhile: nothing is left to start.
        await context.host.get(id)?.wake()
      },
    },
  ],
}
