import type { Project } from '@coppice/api'
import { NumberInput, Progress, Text } from '@mantine/core'
import type { ReactNode } from 'react'

import { formText } from '../../ui/form-text.ts'
import { formatAmount } from '../../ui/format.ts'
import { quotaOf, quotas, type QuotaText } from './quotas.ts'
import { SettingsForm } from './SettingsForm.tsx'
import type { SettingsSectionProps } from './SettingsPage.tsx'
import { useSaveProject } from './use-save-project.ts'

/** What a project may use in a month, and how much of it is used. */
export function QuotaSettings({ project }: SettingsSectionProps): ReactNode {
  const save = useSaveProject(project.id)
  return (
    <SettingsForm
      title="Quotas"
      description="For a calendar month in UTC. Empty is no limit."
      onSubmit={(form) =>
        save.mutate({ settings: { quota: quotaOf((name) => formText(form, name)) } })
      }
      isRunning={save.isPending}
      error={save.error}
    >
      {quotas.map((quota) => (
        <Field key={quota.name} quota={quota} project={project} />
      ))}
      <Text size="sm" c="var(--faint)">
        When one is used up all computes of the project are suspended, and stay so until it is
        raised or the next month begins. Data is not touched.
      </Text>
    </SettingsForm>
  )
}

function Field({ quota, project }: { quota: QuotaText; project: Project }): ReactNode {
  const { name, label, detail, unit, size, used } = quota
  const limit = project.settings.quota?.[name] ?? 0
  const amount = used?.(project)
  const share =
    limit > 0 && amount !== undefined ? Math.min(100, (amount / limit) * 100) : undefined
  return (
    <div>
      <NumberInput
        name={name}
        label={`${label} (${unit})`}
        description={detail}
        placeholder="no limit"
        min={0}
        decimalScale={3}
        defaultValue={limit > 0 ? limit / size : ''}
      />
      {amount !== undefined && (
        <Text size="xs" c="var(--faint)" mt={6}>
          {formatAmount(amount / size)} {unit} used this month
          {share !== undefined && (share < 100 ? `, ${Math.floor(share)} % of it` : ': used up')}
        </Text>
      )}
      {share !== undefined && (
        <Progress
          mt={4}
          value={share}
          color={share >= 100 ? 'red' : share >= 80 ? 'yellow' : 'leaf'}
          aria-label={`${label}: used of the quota`}
        />
      )}
    </div>
  )
}
