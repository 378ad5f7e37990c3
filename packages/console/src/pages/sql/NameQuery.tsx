import type { SavedQuery } from '@coppice/api'
import { TextInput } from '@mantine/core'
import type { ReactNode } from 'react'

import { api } from '../../api/client.ts'
import { useAction } from '../../api/use-action.ts'
import { formText } from '../../ui/form-text.ts'
import { FormModal } from '../../ui/FormModal.tsx'

interface NameQueryProps {
  projectId: string
  /** What is to be saved, or one that is and gets another name. */
  query: Pick<SavedQuery, 'name' | 'sql'> & { id?: string }
  onClose: () => void
  onSaved: (query: SavedQuery) => void
}

/** Asks what a query is to be called. */
export function NameQuery({ projectId, query, onClose, onSaved }: NameQueryProps): ReactNode {
  const { id, sql } = query
  const path = { project_id: projectId }
  const save = useAction({
    run: async (name: string) =>
      id === undefined
        ? api.createSavedQuery({ path, body: { saved_query: { name, sql } } })
        : api.updateSavedQuery({
            path: { ...path, saved_query_id: id },
            body: { saved_query: { name } },
          }),
    done: ({ saved_query }) => `Saved as ${saved_query.name}`,
    onDone: ({ saved_query }) => {
      onClose()
      onSaved(saved_query)
    },
    quiet: true,
  })
  return (
    <FormModal
      title={id === undefined ? 'Save query' : `Rename ${query.name}`}
      verb={id === undefined ? 'Save' : 'Rename'}
      onClose={onClose}
      onSubmit={(form) => save.mutate(formText(form, 'name'))}
      isRunning={save.isPending}
      error={save.error}
    >
      <TextInput
        name="name"
        label="Name"
        defaultValue={query.name}
        description="Everybody who works on this project finds it by this name."
        maxLength={200}
        required
        autoComplete="off"
        data-autofocus
      />
    </FormModal>
  )
}
