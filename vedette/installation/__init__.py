"""A stage, made, deployed, examined and removed; everything that decides is data, checked without AWS.

| module      | holds                                                                                  |
|-------------|----------------------------------------------------------------------------------------|
| functions   | the six functions: what each needs beside what Chalice gives it                        |
| template    | the CloudFormation template of a stage (stage.json, and what there is once a function) |
| policies    | the hand-written policies, narrowed to a stage                                         |
| project     | the Chalice project in this clone, and what is written into it                         |
| setup       | `vedette setup`: change set, stage configuration                                       |
| state       | what must outlive the machine that deploys, in the stage's bucket                      |
| deploying   | `vedette install`: `chalice deploy`, and what Chalice cannot set                       |
| doctor      | `vedette doctor`: checks, and what to do                                               |
| removing    | `vedette uninstall`                                                                    |
| account     | the calls to AWS that all of these make                                                |
"""
