variable "stage" {
  description = "The name of the stage, as in `vedette setup --stage`."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.stage))
    error_message = "Use at most 20 of a-z, 0-9 and -, a letter first."
  }
}

variable "stage_template" {
  description = "The file that `vedette setup --template` wrote. Its parameters have the values of the setup."
  type        = string
}

variable "roles_template" {
  description = "The file with `-roles` in its name, if setup got --permissions-boundary or --role-path; else null, and the functions bring their roles."
  type        = string
  default     = null
}

variable "functions_template" {
  description = "The file that `aws cloudformation package` wrote; null as long as the stage is not set up."
  type        = string
  default     = null
}

variable "parameters" {
  description = "Parameters of the stage with another value than in its file, such as { LogDays = \"30\" }."
  type        = map(string)
  default     = {}
}
