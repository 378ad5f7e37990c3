import type { Endpoint } from '@coppice/api'
import { Select } from '@mantine/core'
import type { ReactNode } from 'react'

import { api } from '../../api/client.ts'
import { useAction } from '../../api/use-action.ts'
import { formText } from '../../ui/form-text.ts'
import { FormModal } from '../../ui/FormModal.tsx'
import { SizeFields, sizeOf } from '../../ui/SizeFields.tsx'
import { suspendChoices } from './suspend-choices.ts'

interface EditComputeProps {
  endpoint: Endpoint
  onClose: () => void
}

/** Size of a compute, and when it sleeps. */
export function EditCompute({ endpoint, onClose }: EditComputeProps): ReactNode {
  const { id: endpoint_id, project_id, suspend_timeout_seconds } = endpoint
  const save = useAction({
    run: async (form: FormData) =>
      api.updateProjectEndpoint({
        path: { project_id, endpoint_id },
        body: {
          endpoint: {
            ...sizeOf(form),
            suspend_timeout_seconds: Number(formText(form, 'suspend')),
          },
        },
      }),
    done: () => 'The compute has been changed',
    onDone: onClose,
    quiet: true,
  })
  return (
    <FormModal
      title="Size and sleep"
      verb="Save"
      onClose={onClose}
      onSubmit={(form) => save.mutate(form)}
      isRunning={save.isPending}
      error={save.error}
    >
      <SizeFields min={endpoint.autoscaling_limit_min_cu} max={endpoint.autoscaling_limit_max_cu} />
      <Select
        name="suspend"
        label="Sleeps"
        description="1 CU is one vCPU and 4 GB of memory. A change takes effect at once; no connection is dropped."
        data={suspendChoices(suspend_timeout_seconds)}
        defaultValue={String(suspend_timeout_seconds)}
        allowDeselect={false}
      />
    </FormModal>
  )
}
