import { NumberInput, Select, SimpleGrid } from '@mantine/core'
import type { ReactNode } from 'react'

import { formText } from '../../ui/form-text.ts'
import { SettingsForm } from './SettingsForm.tsx'
import type { SettingsSectionProps } from './SettingsPage.tsx'
import { useSaveProject } from './use-save-project.ts'

/** PgBouncer's names, with what they mean; docs/pooling.md has them at length. */
const numbers = [
  ['default_pool_size', 'Server connections of one database and role'],
  ['min_pool_size', 'Of them kept open while the compute is awake'],
  ['max_db_connections', 'Server connections of the endpoint in all'],
  ['max_client_conn', 'Clients of the endpoint'],
  ['server_idle_timeout', 'Seconds a server connection may stay unused'],
  ['server_lifetime', 'Seconds after which one is replaced'],
  ['query_wait_timeout', 'Seconds a client may wait for one'],
  ['max_prepared_statements', 'Named statements kept on one'],
  ['idle_transaction_timeout', 'Seconds a client may sit in a transaction; 0 is no limit'],
  ['client_idle_timeout', 'Seconds a client may do nothing; 0 is no limit'],
] as const

const choices = [
  {
    name: 'pool_mode',
    detail: 'When a server connection goes back to its pool',
    data: ['transaction', 'session', 'statement'],
  },
  {
    name: 'session_state',
    detail: 'Of a client whose session holds what others must not have',
    data: ['pin', 'refuse'],
  },
]

/** How transactions are pooled, for all computes of a project that have no settings of their own. */
export function PoolerSettings({ project }: SettingsSectionProps): ReactNode {
  const inForce = project.pooler_settings ?? {}
  const save = useSaveProject(project.id)
  const submit = (form: FormData): void => {
    const names = [...numbers.map(([name]) => name), ...choices.map(({ name }) => name)]
    // Only what was changed: the rest goes on to follow the platform's defaults.
    const changed = names
      .map((name) => [name, formText(form, name)] as const)
      .filter(([name, value]) => value !== '' && value !== String(inForce[name]))
    save.mutate({ default_endpoint_settings: { pgbouncer_settings: Object.fromEntries(changed) } })
  }
  return (
    <SettingsForm
      title="Pooler"
      description="For all computes of the project that have no settings of their own, at once."
      onSubmit={submit}
      isRunning={save.isPending}
      error={save.error}
    >
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md" style={{ alignItems: 'end' }}>
        {choices.map(({ name, detail, data }) => (
          <Select
            key={name}
            name={name}
            label={name}
            description={detail}
            data={data}
            defaultValue={String(inForce[name] ?? data[0])}
            allowDeselect={false}
          />
        ))}
        {numbers.map(([name, detail]) => (
          <NumberInput
            key={name}
            name={name}
            label={name}
            description={detail}
            min={0}
            allowDecimal={false}
            defaultValue={Number(inForce[name] ?? 0)}
          />
        ))}
      </SimpleGrid>
    </SettingsForm>
  )
}
