//! Where types differ from CloudFormation's on purpose.

use crate::compare::Difference::{self, OtherType, ReplacesHere, RequiredHere, SetHere, ValueThere, WriteOnlyHere};

const API: &str = "the API requires it";
const ANOTHER_KEY: &str = "CloudFormation fails any update of it";

/// Type, path of the property or output, difference, and the reason; sorted.
pub(crate) const MEANT: &[(&str, &str, Difference, &str)] = &[
    ("AWS::EC2::EIP", "Domain", ValueThere, "`standard` was EC2-Classic, which is gone"),
    (
        "AWS::EC2::SecurityGroupIngress",
        "GroupId",
        RequiredHere,
        "the other way to name the group, `GroupName`, works in a default VPC only",
    ),
    (
        "AWS::EC2::VPCGatewayAttachment",
        "InternetGatewayId",
        RequiredHere,
        "the other kind of gateway, for a VPN, is not covered",
    ),
    ("AWS::ECS::Cluster", "CapacityProviders", SetHere, "the API tells them in any order"),
    ("AWS::ECS::Cluster", "DefaultCapacityProviderStrategy.CapacityProvider", RequiredHere, API),
    ("AWS::ECS::Cluster", "ServiceConnectDefaults.Namespace", RequiredHere, API),
    ("AWS::ECS::Service", "CapacityProviderStrategy.CapacityProvider", RequiredHere, API),
    (
        "AWS::ECS::Service",
        "DeploymentConfiguration.Strategy",
        ValueThere,
        "their `CanaryConfiguration` and `LinearConfiguration` are not covered yet",
    ),
    ("AWS::ECS::Service", "DeploymentController.Type", RequiredHere, API),
    ("AWS::ECS::Service", "NetworkConfiguration.AwsvpcConfiguration.Subnets", RequiredHere, API),
    ("AWS::ECS::Service", "ServiceConnectConfiguration.LogConfiguration.LogDriver", RequiredHere, API),
    ("AWS::ECS::TaskDefinition", "ContainerDefinitions.DependsOn.Condition", RequiredHere, API),
    ("AWS::ECS::TaskDefinition", "ContainerDefinitions.DependsOn.ContainerName", RequiredHere, API),
    ("AWS::ECS::TaskDefinition", "ContainerDefinitions.EnvironmentFiles.Type", RequiredHere, API),
    ("AWS::ECS::TaskDefinition", "ContainerDefinitions.EnvironmentFiles.Value", RequiredHere, API),
    ("AWS::ECS::TaskDefinition", "ContainerDefinitions.ExtraHosts.Hostname", RequiredHere, API),
    ("AWS::ECS::TaskDefinition", "ContainerDefinitions.ExtraHosts.IpAddress", RequiredHere, API),
    ("AWS::ECS::TaskDefinition", "ContainerDefinitions.FirelensConfiguration.Type", RequiredHere, API),
    ("AWS::ECS::TaskDefinition", "ContainerDefinitions.HealthCheck.Command", RequiredHere, API),
    ("AWS::ECS::TaskDefinition", "ContainerDefinitions.LinuxParameters.Devices.HostPath", RequiredHere, API),
    ("AWS::ECS::TaskDefinition", "ContainerDefinitions.LinuxParameters.Tmpfs.ContainerPath", RequiredHere, API),
    ("AWS::ECS::TaskDefinition", "ContainerDefinitions.RepositoryCredentials.CredentialsParameter", RequiredHere, API),
    ("AWS::ECS::TaskDefinition", "ContainerDefinitions.ResourceRequirements.Value", RequiredHere, API),
    ("AWS::ECS::TaskDefinition", "ContainerDefinitions.RestartPolicy.Enabled", RequiredHere, API),
    (
        "AWS::ElasticLoadBalancingV2::Listener",
        "DefaultActions.AuthenticateCognitoConfig.SessionTimeout",
        OtherType,
        "a number of seconds, as in the API and in a listener rule",
    ),
    (
        "AWS::ElasticLoadBalancingV2::Listener",
        "DefaultActions.AuthenticateOidcConfig.SessionTimeout",
        OtherType,
        "a number of seconds, as in the API and in a listener rule",
    ),
    (
        "AWS::ElasticLoadBalancingV2::Listener",
        "DefaultActions.AuthenticateOidcConfig.UseExistingClientSecret",
        WriteOnlyHere,
        "it says how to change an action, and is no part of it",
    ),
    (
        "AWS::ElasticLoadBalancingV2::Listener",
        "DefaultActions.Type",
        ValueThere,
        "`JwtValidationConfig` is not covered yet",
    ),
    (
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        "Actions.AuthenticateOidcConfig.UseExistingClientSecret",
        WriteOnlyHere,
        "it says how to change an action, and is no part of it",
    ),
    (
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        "Actions.Type",
        ValueThere,
        "`JwtValidationConfig` is not covered yet",
    ),
    ("AWS::ElasticLoadBalancingV2::ListenerRule", "ListenerArn", RequiredHere, API),
    (
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "LoadBalancerAttributes.Key",
        RequiredHere,
        "an attribute is a key and its value",
    ),
    (
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "LoadBalancerAttributes.Value",
        RequiredHere,
        "an attribute is a key and its value",
    ),
    (
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        "TargetGroupAttributes.Key",
        RequiredHere,
        "an attribute is a key and its value",
    ),
    (
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        "TargetGroupAttributes.Value",
        RequiredHere,
        "an attribute is a key and its value",
    ),
    ("AWS::IAM::RolePolicy", "PolicyDocument", RequiredHere, API),
    ("AWS::KMS::Key", "KeySpec", ReplacesHere, ANOTHER_KEY),
    ("AWS::KMS::Key", "KeyUsage", ReplacesHere, ANOTHER_KEY),
    ("AWS::KMS::Key", "MultiRegion", ReplacesHere, ANOTHER_KEY),
    ("AWS::KMS::Key", "Origin", ReplacesHere, ANOTHER_KEY),
    ("AWS::Logs::LogGroup", "LogGroupClass", ReplacesHere, "the API can't change it"),
    (
        "AWS::SQS::QueuePolicy",
        "Queues",
        ReplacesHere,
        "a policy's id is its queues, which is all that a deletion knows of it",
    ),
];
