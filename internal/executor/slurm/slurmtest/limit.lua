-- A submit limit as an accounting database sets one (MaxSubmitJobs of an association): so many jobs of a user may wait or
-- run, and every task of an array is one. sbatch says the same words then.
local limit = LIMIT
local no_task = 4294967294 -- NO_VAL: the tasks of an array that wait

-- slurm.jobs lags by up to a second: what was let in and is not seen there yet is remembered here, by a tag.
local recent, tags = {}, 0

local function tasks(array)
  if array == nil or array == "" then return 1 end
  local n = 0
  for part in string.gmatch(string.gsub(array, "%%.*", ""), "[^,]+") do
    local first, last, step = string.match(part, "^(%d+)-(%d+):?(%d*)$")
    n = n + (first and math.floor((last - first) / (tonumber(step) or 1)) + 1 or 1)
  end
  return n
end

function slurm_job_submit(job, partitions, user)
  local mine = tasks(job.array_inx)
  local n = mine
  for _, other in pairs(slurm.jobs) do
    if other.admin_comment then recent[other.admin_comment] = nil end
    -- The lowest byte is the state: pending, running and suspended are the first.
    if other.user_id == user and other.job_state % 256 <= 2 then
      n = n + (other.array_task_id == no_task and other.array_task_cnt or 1)
    end
  end
  for tag, r in pairs(recent) do
    if os.time() > r.at + 2 then
      recent[tag] = nil -- refused by somebody else
    elseif r.user == user then
      n = n + r.tasks
    end
  end
  if n > limit then
    slurm.log_user("AssocMaxSubmitJobLimit")
    return 2050 -- ESLURM_ACCOUNTING_POLICY
  end
  tags = tags + 1
  job.admin_comment = string.format("%d-%d", os.time(), tags)
  recent[job.admin_comment] = {user = user, tasks = mine, at = os.time()}
  return slurm.SUCCESS
end

function slurm_job_modify(job, record, partitions, user) return slurm.SUCCESS end

return slurm.SUCCESS
