# The stacks have the names and the tags that `vedette setup` uses, so it finds them and has nothing to change.
# As JSON, without comments, each template stays below the 51,200 bytes that CloudFormation takes in a request.
locals {
  tags  = { "vedette:stage" = var.stage }
  roles = var.roles_template == null ? null : yamldecode(file(var.roles_template))
}

resource "aws_cloudformation_stack" "stage" {
  name          = "vedette-${var.stage}"
  template_body = jsonencode(yamldecode(file(var.stage_template)))
  parameters    = var.parameters
  capabilities  = ["CAPABILITY_NAMED_IAM"]
  tags          = local.tags
}

resource "aws_cloudformation_stack" "roles" {
  count = local.roles == null ? 0 : 1

  name          = "vedette-${var.stage}-roles"
  template_body = jsonencode(local.roles)
  # Only the file of a setup with a new KMS key has this parameter.
  parameters   = can(local.roles.Parameters.KeyArn) ? { KeyArn = aws_cloudformation_stack.stage.outputs["KeyArn"] } : {}
  capabilities = ["CAPABILITY_NAMED_IAM"]
  tags         = local.tags

  depends_on = [aws_cloudformation_stack.stage]
}

resource "aws_cloudformation_stack" "functions" {
  count = var.functions_template == null ? 0 : 1

  name          = "vedette-${var.stage}-functions"
  template_body = jsonencode(yamldecode(file(var.functions_template)))
  capabilities  = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
  tags          = local.tags

  depends_on = [aws_cloudformation_stack.stage, aws_cloudformation_stack.roles]
}
