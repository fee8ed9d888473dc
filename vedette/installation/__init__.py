"""The installation of a stage: set up, deploy, check and uninstall.

| module            | content                                                                               |
|-------------------|---------------------------------------------------------------------------------------|
| functions         | the seven functions, and the settings that Chalice cannot make                          |
| template          | the CloudFormation template of a stage: stage.json, and resources for each function   |
| policies          | the hand-written policies, narrowed to a stage                                        |
| new_project       | `vedette init`: a Chalice project, and its upgrade; its files: project_template/      |
| project           | a Chalice project, or a clone of the repository, and its configuration files          |
| setup             | `vedette setup`: change set, stage configuration                                      |
| concurrency       | whether the account can spare what the functions reserve                              |
| state             | the deployment state in the stage's bucket                                            |
| deploy            | `vedette install`: `chalice deploy`, and the settings that Chalice cannot make        |
| doctor            | `vedette doctor`: runs the checks of check_account and check_functions (see findings) |
| uninstall         | `vedette uninstall`                                                                   |
| smoke_test        | `make aws-check`: install, test and remove a stage in a real account                  |
| assumption_checks | what an account can settle for free of docs/aws-behaviour.md                          |
| check_report      | the file that `make aws-check` writes                                                 |
| package           | whether a deployment package is complete; byte_code adds compiled modules             |
| account           | the calls to AWS that these modules share                                             |
"""
