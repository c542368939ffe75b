//! The types of things, as plans name them. CloudFormation's names, and the actions on each.

/// An EC2 instance, by its id.
pub const INSTANCE: &str = "AWS::EC2::Instance";
/// A network interface, by its id.
pub const INTERFACE: &str = "AWS::EC2::NetworkInterface";
/// A security group, by its id.
pub const GROUP: &str = "AWS::EC2::SecurityGroup";
/// One permission of a group for one peer: `sg-1/ingress/tcp/22/22/10.0.0.0/8`.
pub const PERMISSION: &str = "AWS::EC2::SecurityGroupRule";
/// An Elastic IP address, by its allocation id.
pub const ADDRESS: &str = "AWS::EC2::EIP";
/// A target of a target group: `ARN/i-1/8080`.
pub const TARGET: &str = "AWS::ElasticLoadBalancingV2::Target";
