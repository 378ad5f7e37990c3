import type { Branch, UndoPreview } from '@coppice/api'
import { List, Modal, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { api } from '../../api/client.ts'
import { useAction } from '../../api/use-action.ts'
import { ConfirmByName } from '../../ui/ConfirmByName.tsx'
import { formatMoment } from '../../ui/format.ts'
import { QueryView } from '../../ui/QueryView.tsx'

interface UndoApplyProps {
  branch: Branch
  database: string
  onClose: () => void
}

/** The branch as it was before the last apply, once it has been said what goes with that. */
export function UndoApply({ branch, database, onClose }: UndoApplyProps): ReactNode {
  const path = { project_id: branch.project_id, branch_id: branch.id }
  const preview = useQuery({
    queryKey: ['migrations', branch.project_id, branch.id, database, 'undo'],
    queryFn: async () => api.previewMigrationsUndo({ path, query: { db_name: database } }),
    // What was lost a minute ago is not what is lost now.
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
    retry: false,
  })
  const undo = useAction({
    run: async ({ restore_point, preserved_as }: UndoPreview) =>
      api.undoMigrations({
        path,
        body: {
          db_name: database,
          restore_point_id: restore_point.id,
          preserve_under_name: preserved_as,
        },
      }),
    done: ({ backup_branch }) =>
      `${branch.name} is as it was before; what it was is ${backup_branch.name}`,
    onDone: onClose,
  })
  const title = `Undo the last apply to ${branch.name}?`
  const found = preview.data
  if (found === undefined) {
    return (
      <Modal opened onClose={onClose} title={title}>
        <QueryView query={preview}>{() => null}</QueryView>
      </Modal>
    )
  }
  return (
    <ConfirmByName
      opened
      onClose={onClose}
      title={title}
      verb="Undo"
      name={branch.name}
      isRunning={undo.isPending}
      onConfirm={() => undo.mutate(found)}
      recovery={
        <>
          Everything: what {branch.name} is now stays as branch {found.preserved_as}. Clients on
          direct connections have to connect again.
        </>
      }
    >
      <Loss preview={found} branch={branch} database={database} />
    </ConfirmByName>
  )
}

interface LossProps {
  preview: UndoPreview
  branch: Branch
  database: string
}

function Loss({ preview, branch, database }: LossProps): ReactNode {
  const { restore_point, undone, lost, other_databases: others } = preview
  return (
    <>
      {branch.name} goes back to {formatMoment(restore_point.taken_at)}, before {undone.join(', ')}.
      <Text size="sm" mt="sm" fw={600}>
        {lost.transactions === 0 && lost.tables.length === 0
          ? 'Nobody else has written anything since.'
          : `Written by others since, in at most ${lost.transactions} transaction${lost.transactions === 1 ? '' : 's'}:`}
      </Text>
      {lost.tables.length > 0 && (
        <List size="sm" mt={4}>
          {lost.tables.map(({ table, rows }) => (
            <List.Item key={table}>
              {table}: {rows} row{rows === 1 ? '' : 's'} inserted, updated or deleted
            </List.Item>
          ))}
        </List>
      )}
      {lost.is_lower_bound && (
        <Text size="sm" mt={4}>
          PostgreSQL has begun to count anew since: it may be more.
        </Text>
      )}
      {others.length > 0 && (
        <Text size="sm" mt={4}>
          The rows are those of {database}; {others.join(', ')} of the branch go back as well.
        </Text>
      )}
    </>
  )
}
