output "bucket" {
  description = "The bucket with captures, verdicts and reports."
  value       = aws_cloudformation_stack.stage.outputs["Bucket"]
}

output "alerts_topic_arn" {
  description = "The SNS topic that sends alerts to people."
  value       = aws_cloudformation_stack.stage.outputs["TopicArn"]
}

output "incidents_topic_arn" {
  description = "The SNS topic that sends events to machines."
  value       = aws_cloudformation_stack.stage.outputs["IncidentsTopicArn"]
}

output "models_role_arn" {
  description = "The execution role of the models that Vedette deploys."
  value       = aws_cloudformation_stack.stage.outputs["RoleArn"]
}
