import type { Branch, BranchCreate } from '@coppice/api'
import { SegmentedControl, Select, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { api } from '../api/client.ts'
import { queries } from '../api/queries.ts'
import { useAction } from '../api/use-action.ts'
import { formText } from '../ui/form-text.ts'
import { FormModal } from '../ui/FormModal.tsx'
import { type Moment, momentText } from '../ui/moment.ts'
import { expiryChoices, expiryOf } from './expiry.ts'

interface CreateBranchProps {
  projectId: string
  /** The default branch without one. */
  parent: Branch | undefined
  /** Of the parent's past, chosen already; then nothing of it is asked. */
  moment?: Moment
  onClose: () => void
  onCreated: (branch: Branch) => void
}

type Source = 'now' | 'moment' | 'schema'

const explanations: Readonly<Record<Source, string>> = {
  now: 'All data of the parent as it is now, in about a tenth of a second, whatever its size.',
  moment: 'The data as it was at a moment of the history window.',
  schema: 'Tables without rows: nothing of the data leaves the parent.',
}

/** A branch with a compute of its own. */
export function CreateBranch(props: CreateBranchProps): ReactNode {
  const { projectId, parent, moment: fixed, onClose, onCreated } = props
  const branches = useQuery(queries.branches(projectId)).data ?? []
  const [source, setSource] = useState<Source>('now')
  const create = useAction({
    run: async (body: BranchCreate) =>
      api.createProjectBranch({ path: { project_id: projectId }, body }),
    done: ({ branch }) => `${branch.name} is ready`,
    onDone: ({ branch }) => {
      onClose()
      onCreated(branch)
    },
    quiet: true,
  })
  const submit = (form: FormData): void => {
    const name = formText(form, 'name')
    const parentId = fixed && parent ? parent.id : formText(form, 'parent_id')
    const moment = formText(form, 'moment')
    const expires_at = expiryOf(formText(form, 'expires'))
    create.mutate({
      branch: {
        ...(name !== '' && { name }),
        ...(parentId !== '' && { parent_id: parentId }),
        ...(moment !== '' && { parent_timestamp: new Date(moment).toISOString() }),
        ...(fixed?.kind === 'time' && { parent_timestamp: fixed.iso }),
        ...(fixed?.kind === 'lsn' && { parent_lsn: fixed.lsn }),
        ...(source === 'schema' && { init_source: 'schema-only' as const }),
        ...(expires_at !== null && { expires_at }),
      },
      endpoints: [{ type: 'read_write' }],
    })
  }
  const preset = parent ?? branches.find((branch) => branch.default)
  return (
    <FormModal
      title="New branch"
      verb="Create branch"
      onClose={onClose}
      onSubmit={submit}
      isRunning={create.isPending}
      error={create.error}
    >
      <TextInput
        name="name"
        label="Name"
        placeholder="feature/new-column"
        description="Made up for you where you leave it out."
        maxLength={256}
        autoComplete="off"
        data-autofocus
      />
      {fixed && parent ? (
        <Text size="sm">
          With the data that <b>{parent.name}</b> had at <b>{momentText(fixed)}</b>.
        </Text>
      ) : (
        <Beginning branches={branches} preset={preset} source={source} onSource={setSource} />
      )}
      <Select
        name="expires"
        label="Expires"
        description="It is deleted then, and can be brought back for a week."
        data={expiryChoices}
        defaultValue="never"
        allowDeselect={false}
      />
    </FormModal>
  )
}

interface BeginningProps {
  branches: readonly Branch[]
  preset: Branch | undefined
  source: Source
  onSource: (source: Source) => void
}

/** What the branch begins with: of which other, now or then, with its rows or without. */
function Beginning({ branches, preset, source, onSource }: BeginningProps): ReactNode {
  return (
    <>
      <Select
        key={preset?.id}
        name="parent_id"
        label="Parent"
        data={branches.map(({ id, name }) => ({ value: id, label: name }))}
        defaultValue={preset?.id ?? null}
        searchable
        limit={50}
        allowDeselect={false}
      />
      <div>
        <SegmentedControl
          aria-label="What it begins with"
          fullWidth
          value={source}
          onChange={(value) => onSource(value as Source)}
          data={[
            { value: 'now', label: 'Data now' },
            { value: 'moment', label: 'Past data' },
            { value: 'schema', label: 'Schema only' },
          ]}
        />
        <Text size="sm" c="var(--faint)" mt={6}>
          {explanations[source]}
        </Text>
      </div>
      {source === 'moment' && (
        <TextInput name="moment" label="Moment" type="datetime-local" step={1} required />
      )}
    </>
  )
}
